"""The modules themselves, with nixpkgs' module system: where NPM2NIXLITE_NIXPKGS_LIB names it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.nix import Nix

NIXPKGS_LIB = os.environ.get("NPM2NIXLITE_NIXPKGS_LIB")

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib"),
]

ROOT = Path(__file__).parents[3]
SYSTEM = Path(__file__).with_name("system.nix")

# As in the background of the project, but for a closing brace that it lacks.
SEED = r"""
{
  services.mempool-backend = {
    mainnet = {
      db_name = "mempool";
      db_user = "mempool";
      db_psk = "PASSWORD-ONE";
      config = ''
            "MEMPOOL": {
              "NETWORK": "mainnet",
              "BACKEND": "electrum",
            },
            "ELECTRUM": {
              "HOST": "127.0.0.1",
              "PORT": 50001,
              "TLS_ENABLED": true,
            }
      '';
    };
    testnet = {
      db_name = "tmempool";
      db_user = "tmempool";
      db_psk_file = "/run/keys/testnet";
      config = ''
            "MEMPOOL": {
              "NETWORK": "testnet",
              "BACKEND": "electrum",
            },
            "ELECTRUM": {
              "HOST": "127.0.0.1",
              "PORT": 60001,
              "TLS_ENABLED": true,
            }
      '';
    };
  };
  services.mempool-frontend = {
    enable = true;
    testnet_enabled = true;
  };
  services.electrs = {
    mainnet = {
      db_dir = "/path/to/electrs/mainnet/datadir";
      cookie_file = "/path/to/bitcoind/mainnet/data/dir/.cookie";
      blocks_dir = "/path/to/bitcoind/mainnet/data/dir/blocks";
    };
    testnet = {
      db_dir = "/path/to/electrs/testnet/data/dir";
      cookie_file = "/path/to/bitcoind/testnet/data/dir/.cookie";
      blocks_dir = "/path/to/bitcoind/testnet/data/dir/blocks";
      network = "testnet";
      rpc_listen = "127.0.0.1:60001";
    };
  };
}
"""


def system(nix: Nix, configuration: str, wanted: str) -> Any:
    """Evaluate; what evaluating puts into the store is there afterwards."""
    done = nix.run(
        *["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr"],
        f"let s = import {SYSTEM} {{ nixpkgsLib = {NIXPKGS_LIB};"
        f" configuration = {configuration}; }}; in {wanted}",
    )
    return json.loads(done.stdout)


class TestSeed:
    def test_its_options_still_do_what_they_did(self, nix: Nix) -> None:
        found = system(
            nix,
            SEED,
            "{ inherit (s) failed; services = builtins.attrNames s.config.systemd.services;"
            " starts = map (name: s.config.systemd.services.${name}.serviceConfig.ExecStartPre)"
            ' [ "mempool-mainnet" "mempool-testnet" ]; }',
        )
        assert found["failed"] == []
        assert found["services"] == [
            "electrs-mainnet",
            "electrs-testnet",
            "mempool-mainnet",
            "mempool-mainnet-database",
            "mempool-mainnet-health",
            "mempool-testnet",
            "mempool-testnet-database",
            "mempool-testnet-health",
        ]
        templates = [start.split()[2] for start in found["starts"]]
        mainnet, testnet = [json.loads(Path(path).read_text()) for path in templates]
        assert mainnet["MEMPOOL"]["HTTP_PORT"] == 8999
        assert testnet["MEMPOOL"]["HTTP_PORT"] == 8997
        assert testnet["DATABASE"]["DATABASE"] == "tmempool"
        assert testnet["ELECTRUM"] == {"HOST": "127.0.0.1", "PORT": 60001, "TLS_ENABLED": True}
        assert testnet["DATABASE"]["PASSWORD"] == {"_credential": "DATABASE.PASSWORD"}

    def test_a_plain_password_is_warned_of_by_instance(self, nix: Nix) -> None:
        warnings = system(nix, SEED, "s.config.warnings")
        assert len(warnings) == 1
        said = "services.mempool-backend.mainnet: DATABASE.PASSWORD can be read by everybody"
        assert warnings[0].startswith(said)

    def test_pages_show_the_enabled_networks_and_pass_on_to_their_backends(self, nix: Nix) -> None:
        locations = system(nix, SEED, "s.config.services.nginx.virtualHosts.mempool.locations")
        assert "http://127.0.0.1:8997/api/v1" in locations["/testnet/api/v1"]["extraConfig"]
        assert "http://127.0.0.1:8999/" in locations["/api/v1/ws"]["extraConfig"]
        assert "/signet/api/v1" not in locations


class TestSecrets:
    def test_no_password_is_in_a_unit_or_a_derivation(self, nix: Nix) -> None:
        configuration = f"""{{
          imports = [
            {SEED}
            {{
              services.mempool-backend.testnet.rpc_password_file = "/run/keys/rpc";
              services.mempool-backend.signet = {{
                db_psk = "PASSWORD-TWO";
                config = ''"CORE_RPC": {{ "PASSWORD": "PASSWORD-THREE" }}'';
                settings.SOCKS5PROXY.PASSWORD = "PASSWORD-FOUR";
              }};
            }}
          ];
        }}"""
        text = str(
            system(
                nix,
                configuration,
                "{ inherit (s) packages; inherit (s.config) systemd users;"
                " inherit (s.config.services) nginx mysql bitcoind; }",
            )
        )
        assert "PASSWORD" in text  # names of settings and credentials are there
        assert "PASSWORD-" not in text
        derivations = list(nix.root.glob("store/*.drv"))
        assert any("mempool-backend" in path.name for path in derivations)
        assert all("PASSWORD-" not in path.read_text() for path in derivations)
        # Where units point to: all that they hand to a program, but the file of the warning.
        for path in set(re.findall(r"[^ ']+-settings\.json", text)):
            assert "PASSWORD-" not in Path(path).read_text()


OPTIONS = [
    "services.mempool-backend.mainnet.settings.MEMPOOL.POLL_RATE_MS = 1",
    "services.mempool-backend.mainnet.config = ''\"MEMPOOL\": { \"AUDIT\": true }''",
    'services.mempool-backend.mainnet.db_name = "other"',
    'services.mempool-backend.mainnet.db_user = "other"',
    'services.mempool-backend.mainnet.db_psk = "other"',
    'services.mempool-backend.mainnet.db_psk_file = "/other"',
    'services.mempool-backend.mainnet.db_host = "other"',
    "services.mempool-backend.mainnet.db_port = 1",
    'services.mempool-backend.mainnet.db_socket = "/other"',
    'services.mempool-backend.mainnet.cookie_file = "/other"',
    'services.mempool-backend.mainnet.rpc_user = "other"',
    'services.mempool-backend.mainnet.rpc_password_file = "/other"',
    "services.mempool-backend.mainnet.memory_limit = 1",
    "services.mempool-backend.mainnet.health_check.interval = 1",
    'services.mempool-backend.mainnet.lightning.cln = { socket = "/s"; group = "g"; }',
    "services.mempool-backend.mainnet.port = 1",
    'services.mempool-backend.mainnet.network = "testnet"',
    'services.mempool-backend.mainnet.address = "::1"',
    'services.mempool-backend.mainnet.pools = "online"',
    'services.mempool-backend.mainnet.after = [ "other.service" ]',
    'services.mempool-backend.mainnet.bound_to = [ "other.service" ]',
    'services.mempool-backend.mainnet.build = "container"',
    'services.mempool-backend.second.network = "signet"',
    "services.mempool-frontend.mainnet_enabled = false",
    "services.mempool-frontend.testnet_enabled = true",
    "services.mempool-frontend.testnet4_enabled = true",
    "services.mempool-frontend.signet_enabled = true",
    "services.mempool-frontend.regtest_enabled = true",
    'services.mempool-frontend.build = "container"',
    "services.mempool-frontend.settings.ITEMS_PER_PAGE = 1",
    'services.mempool-frontend.customize.enterprise = "other"',
    'services.mempool-frontend.host_name = "other"',
    "services.mempool-frontend.public = true",
    "services.mempool-frontend.limits.burst = 1",
    "services.mempool-frontend.security_headers = false",
    'services.mempool-frontend.cache_size = "1g"',
    'services.mempool-frontend.esplora.mainnet = "127.0.0.1:3000"',
    "services.mempool.tor.enable = true",
    'services.mempool-frontend.promo_video = "/other"',
    'services.mempool-frontend.backends.mainnet = "other:1"',
    'services.mempool.build = "container"',
    'services.mempool.container_build.memory = "1G"',
    "services.mempool.signet.enable = true",
    "services.mempool.mainnet.backend.port = 1",
    'services.mempool.mainnet.electrs.address = "other"',
]

PACKAGE_OPTIONS = {"package"}


class TestPackages:
    def test_no_option_of_an_instance_changes_them(self, nix: Nix) -> None:
        changes = " ".join(f"{{ {option}; }}" for option in OPTIONS)
        found = nix.eval(
            f"""let
              packagesWith = change: (import {SYSTEM} {{
                nixpkgsLib = {NIXPKGS_LIB};
                configuration.imports = [ {{ services.mempool.mainnet.enable = true; }} change ];
              }});
              forced = s: builtins.deepSeq
                {{ inherit (s.config) systemd; inherit (s.config.services) nginx; }} s.packages;
            in {{
              before = forced (packagesWith {{ }});
              after = map (change: forced (packagesWith change)) [ {changes} ];
            }}"""
        )
        assert len(found["after"]) == len(OPTIONS)
        for option, packages in zip(OPTIONS, found["after"], strict=True):
            assert packages == found["before"], option

    def test_every_option_of_backend_and_frontend_is_tried_above(self, nix: Nix) -> None:
        declared = system(
            nix,
            "{ services.mempool-backend.mainnet = { }; }",
            "{ backend = builtins.attrNames s.config.services.mempool-backend.mainnet;"
            " frontend = builtins.attrNames s.config.services.mempool-frontend; }",
        )
        tried = " ".join(OPTIONS)
        for option in set(declared["backend"]) - PACKAGE_OPTIONS:
            assert f"services.mempool-backend.mainnet.{option}" in tried, option
        for option in set(declared["frontend"]) - PACKAGE_OPTIONS - {"enable"}:
            assert f"services.mempool-frontend.{option}" in tried, option

    def test_another_release_or_registry_changes_them(self, nix: Nix) -> None:
        before = system(nix, "{ }", "s.packages")
        assert system(nix, '{ services.mempool.release = "2.5.1"; }', "s.packages") != before
        mirror = '{ services.mempool.registry = "https://mirror.example/"; }'
        assert system(nix, mirror, "s.packages") != before


class TestAssertions:
    def test_instances_that_want_the_same_are_named(self, nix: Nix) -> None:
        failed = system(
            nix,
            """{
              services.mempool-backend = { mainnet = { }; second.network = "mainnet"; };
              services.electrs = {
                a = { db_dir = "/a"; cookie_file = "/c"; };
                b = { db_dir = "/b"; cookie_file = "/c"; };
              };
            }""",
            "s.failed",
        )
        text = "\n".join(failed)
        assert "mainnet and second want the same HTTP port, 8999" in text
        assert "mainnet and second want the same database, mempool" in text
        assert "services.electrs: a and b want the same address, 127.0.0.1:50001" in text

    def test_both_kinds_of_password_are_one_too_many(self, nix: Nix) -> None:
        failed = system(
            nix,
            '{ services.mempool-backend.mainnet = { db_psk = "x"; db_psk_file = "/x"; }; }',
            "s.failed",
        )
        assert failed == ["services.mempool-backend.mainnet: give db_psk or db_psk_file, not both."]

    def test_another_user_of_the_database_needs_a_password(self, nix: Nix) -> None:
        failed = system(nix, '{ services.mempool-backend.mainnet.db_user = "me"; }', "s.failed")
        assert len(failed) == 1
        assert "logs in as the user that it runs as, mempool-mainnet" in failed[0]

    @pytest.mark.parametrize(
        ("release", "network", "since"),
        [
            ("2.5.1", "testnet4", "3.2.0"),
            ("2.5.1", "regtest", "3.3.0"),
            ("3.2.1", "regtest", "3.3.0"),
        ],
    )
    def test_a_network_that_the_release_does_not_know_is_refused(
        self, nix: Nix, release: str, network: str, since: str
    ) -> None:
        failed = system(
            nix,
            f'{{ services.mempool = {{ release = "{release}"; {network}.enable = true; }}; }}',
            "s.failed",
        )
        assert len(failed) == 2
        assert {message.partition(":")[0] for message in failed} == {
            f"services.mempool-backend.{network}",
            "services.mempool-frontend",
        }
        assert all(f"which came with {since}" in message for message in failed)

    @pytest.mark.parametrize(("prune", "refused"), [("1000", True), ("0", False), ("null", False)])
    def test_a_pruned_bitcoind_is_refused(self, nix: Nix, prune: str, refused: bool) -> None:
        failed = system(
            nix,
            "{ services.mempool.mainnet.enable = true;"
            f" services.bitcoind.mainnet.prune = {prune}; }}",
            "s.failed",
        )
        assert [message.partition(":")[0] for message in failed] == (
            ["services.bitcoind.mainnet.prune"] if refused else []
        )

    def test_long_names_have_users_that_linux_takes(self, nix: Nix) -> None:
        name = "a-backend-of-twenty-four-"
        found = system(
            nix,
            f"""{{
              services.mempool-backend = {{
                {name}a.network = "mainnet";
                {name}b.network = "signet";
              }};
              services.electrs.{name}a = {{ db_dir = "/a"; cookie_file = "/c"; }};
            }}""",
            "{ inherit (s) failed; users = builtins.attrNames s.config.users.users;"
            " units = s.config.systemd.services; rules = s.config.systemd.tmpfiles.rules; }",
        )
        assert found["failed"] == []
        assert len(found["users"]) == 3
        assert all(len(user) <= 31 for user in found["users"])
        unit = found["units"][f"mempool-{name}a"]["serviceConfig"]
        assert unit["User"] in found["users"]
        database = found["units"][f"mempool-{name}a-database"]
        assert database["environment"]["DATABASE_USER"] == unit["User"]
        electrs = found["units"][f"electrs-{name}a"]["serviceConfig"]["User"]
        assert found["rules"] == [f"d '/a' 0700 '{electrs}' '{electrs}' - -"]

    def test_a_value_of_the_wrong_type_is_refused(self, nix: Nix) -> None:
        done = nix.run(
            "nix-instantiate",
            "--eval",
            "--strict",
            "--expr",
            f"(import {SYSTEM} {{ nixpkgsLib = {NIXPKGS_LIB};"
            ' configuration.services.mempool-backend.mainnet.port = "x"; }).config.systemd',
            check=False,
        )
        assert done.returncode != 0
        assert "services.mempool-backend.mainnet.port" in done.stderr


class TestChain:
    def test_one_option_sets_up_all_of_a_network(self, nix: Nix) -> None:
        found = system(
            nix,
            "{ services.mempool.mainnet.enable = true; }",
            "{ inherit (s) failed; services = builtins.attrNames s.config.systemd.services;"
            " inherit (s.config) warnings; inherit (s.config.services) bitcoind;"
            " mysql = s.config.services.mysql.enable; nginx = s.config.services.nginx.enable; }",
        )
        assert found["failed"] == []
        assert found["warnings"] == []
        assert found["services"] == [
            "electrs-mainnet",
            "mempool-mainnet",
            "mempool-mainnet-database",
            "mempool-mainnet-health",
            "mempool-mainnet-rpc-users",
        ]
        assert found["bitcoind"]["mainnet"]["enable"]
        assert found["mysql"]
        assert found["nginx"]

    def test_three_networks_stand_side_by_side(self, nix: Nix) -> None:
        found = system(
            nix,
            "{ services.mempool = { mainnet.enable = true; testnet.enable = true;"
            " signet.enable = true; }; }",
            "{ inherit (s) failed; services = builtins.attrNames s.config.systemd.services;"
            " locations = builtins.attrNames"
            " s.config.services.nginx.virtualHosts.mempool.locations; }",
        )
        assert found["failed"] == []
        assert len(found["services"]) == 15
        for prefix in ("", "/testnet", "/signet"):
            assert f"{prefix}/api/v1/ws" in found["locations"]

    def test_whoever_sets_a_part_itself_has_the_last_word(self, nix: Nix) -> None:
        found = system(
            nix,
            """{
              services.mempool.mainnet.enable = true;
              services.electrs.mainnet.db_dir = "/fast/electrs";
              services.mempool-backend.mainnet.settings.ELECTRUM.HOST = "other.example";
              services.bitcoind.mainnet = { dataDir = "/big/bitcoin"; extraConfig = "par=2"; };
            }""",
            "{ electrs = s.config.services.electrs.mainnet.db_dir;"
            " electrum = s.config.services.mempool-backend.mainnet.settings.ELECTRUM;"
            " inherit (s.config.services) bitcoind; }",
        )
        assert found["electrs"] == "/fast/electrs"
        assert found["electrum"] == {"HOST": "other.example", "PORT": 50001, "TLS_ENABLED": False}
        assert found["bitcoind"]["mainnet"]["dataDir"] == "/big/bitcoin"
        assert found["bitcoind"]["mainnet"]["extraConfig"].split() == [
            "txindex=1",
            "includeconf=/var/lib/mempool-rpc/mainnet/bitcoin.conf",
            "par=2",
        ]

    @pytest.mark.parametrize("network", ["signet", "testnet4", "regtest"])
    def test_its_chain_stands_before_any_section_of_the_users(self, nix: Nix, network: str) -> None:
        for user in ('"[%s]\\nbind=127.0.0.1"', 'lib.mkBefore "[%s]\\nbind=127.0.0.1"'):
            lines = system(
                nix,
                f"{{ lib, ... }}: {{ services.mempool.{network}.enable = true;"
                f" services.bitcoind.{network}.extraConfig = {user % network}; }}",
                f"s.config.services.bitcoind.{network}.extraConfig",
            ).split()
            assert lines[:2] == [f"{network}=1", "txindex=1"]
            assert lines[3:5] == [f"[{network}]", "bind=127.0.0.1"]

    def test_ipv6_addresses_have_brackets_where_a_port_follows(self, nix: Nix) -> None:
        for address in ("fd00::1", "[fd00::1]"):
            found = system(
                nix,
                f"""{{ services.mempool.mainnet = {{
                  enable = true; cookie_file = "/c";
                  bitcoind.address = "{address}";
                }};
                services.mempool-backend.mainnet.address = "::1";
                services.mempool.signet = {{
                  enable = true; cookie_file = "/c"; bitcoind.address = "{address}";
                  electrs.address = "{address}"; backend.address = "{address}";
                }}; }}""",
                "{ inherit (s) failed; electrs = s.config.services.electrs.mainnet;"
                " settings = s.config.services.mempool-backend.mainnet.settings;"
                " inherit (s.config.services.nginx.virtualHosts.mempool) locations; }",
            )
            assert found["failed"] == []
            assert found["electrs"]["daemon_rpc"] == "[fd00::1]:8332"
            assert found["electrs"]["daemon_p2p"] == "[fd00::1]:8333"
            assert found["settings"]["CORE_RPC"]["HOST"] == "fd00::1"
            locations = {name: rule["extraConfig"] for name, rule in found["locations"].items()}
            assert "proxy_pass http://[::1]:8999/api/v1;" in locations["/api/v1"]
            assert "proxy_pass http://[fd00::1]:8995/api/v1;" in locations["/signet/api/v1"]

    def test_a_part_elsewhere_leaves_nothing_of_it_here(self, nix: Nix) -> None:
        services = system(
            nix,
            '{ services.mempool.mainnet = { enable = true; cookie_file = "/run/keys/rpc";'
            ' bitcoind.address = "node.example"; electrs.address = "electrum.example"; }; }',
            "{ inherit (s) failed; units = builtins.attrNames s.config.systemd.services;"
            " bitcoind = builtins.attrNames s.config.services.bitcoind; }",
        )
        assert services == {
            "failed": [],
            "units": [
                "mempool-mainnet",
                "mempool-mainnet-cookie",
                "mempool-mainnet-database",
                "mempool-mainnet-health",
            ],
            "bitcoind": [],
        }


class TestSmall:
    def test_the_database_is_asked_over_the_socket_that_is_set(self, nix: Nix) -> None:
        found = system(
            nix,
            '{ services.mempool-backend.mainnet.db_socket = "/run/db.sock"; }',
            "s.config.systemd.services.mempool-mainnet-database.environment",
        )
        assert found["DATABASE_SOCKET"] == "/run/db.sock"

    def test_no_virtual_host_is_made_the_default(self, nix: Nix) -> None:
        hosts = system(
            nix,
            "{ services.mempool.mainnet.enable = true;"
            " services.nginx.virtualHosts.other.default = true; }",
            "s.config.services.nginx.virtualHosts",
        )
        assert not hosts["mempool"].get("default", False)

    def test_a_backend_listens_where_it_is_told(self, nix: Nix) -> None:
        found = system(
            nix,
            '{ services.mempool-backend = { mainnet = { }; signet.address = "0.0.0.0"; };'
            " services.mempool-frontend = { enable = true; signet_enabled = true; }; }",
            "{ inherit (s.config.systemd) services;"
            " inherit (s.config.services.nginx.virtualHosts.mempool) locations; }",
        )
        listen = {
            name: found["services"][f"mempool-{name}"]["environment"]["MEMPOOL_LISTEN_ADDRESS"]
            for name in ("mainnet", "signet")
        }
        assert listen == {"mainnet": "127.0.0.1", "signet": "0.0.0.0"}
        assert "http://127.0.0.1:8995/" in found["locations"]["/signet/api/v1"]["extraConfig"]

    def test_pools_are_pinned_unless_wished_otherwise(self, nix: Nix) -> None:
        templates = system(
            nix,
            '{ services.mempool-backend = { mainnet = { }; signet.pools = "online"; }; }',
            "map (name: s.config.systemd.services.${name}.serviceConfig.ExecStartPre)"
            ' [ "mempool-mainnet" "mempool-signet" ]',
        )
        pinned, online = [
            json.loads(Path(start.split()[2]).read_text())["MEMPOOL"] for start in templates
        ]
        assert pinned["POOLS_JSON_URL"].startswith("file:/")
        assert pinned["POOLS_JSON_URL"] == f"{pinned['POOLS_JSON_TREE_URL']}/pools-v2.json"
        assert pinned["AUTOMATIC_POOLS_UPDATE"]
        assert not [name for name in online if "POOLS" in name]


class TestDocumentation:
    def examples(self) -> list[str]:
        return re.findall(r"```nix\n(.*?)```", (ROOT / "docs/mempool.md").read_text(), re.DOTALL)

    def test_its_configurations_are_short(self) -> None:
        examples = self.examples()
        assert len(examples) > 5
        assert all(example.count("\n") < 40 for example in examples)

    def test_its_configurations_evaluate(self, nix: Nix) -> None:
        for example in self.examples():
            configuration = example.replace("./hardware-configuration.nix", "").replace(
                "./npm2nixlite", str(ROOT)
            )
            found = system(
                nix,
                configuration,
                "{ inherit (s) failed; inherit (s.config) warnings;"
                " units = builtins.attrNames s.config.systemd.services;"
                " nginx = builtins.attrNames s.config.services.nginx.virtualHosts; }",
            )
            assert found["failed"] == []
            assert found["warnings"] == []
            networks = len(
                re.findall(r"\b(?:mainnet|testnet|signet)(?:\.enable| = \{\n +enable)", example)
            )
            assert len([unit for unit in found["units"] if "database" in unit]) == networks > 0
            builds = [unit for unit in found["units"] if unit.endswith("-build")]
            assert builds == (["mempool-frontend-build"] if "container_build" in example else [])
