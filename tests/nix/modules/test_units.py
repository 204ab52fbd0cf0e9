"""Units, assertions and the chain, as pure functions give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.logic import call

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

BACKEND = {
    "name": "signet",
    "package": {
        "outPath": "/store/backend",
        "version": "3.3.1",
        "configPath": "lib/mempool-backend/mempool-config.json",
    },
    "nodejs": "/store/node",
    "address": "127.0.0.1",
    "preload": "/store/preload.js",
    "writeConfig": "/store/write-config.js",
    "template": "/store/settings.json",
    "credentials": {"DATABASE.PASSWORD": "/run/keys/db"},
    "memory_limit": 4096,
}

CHAIN: dict[str, Any] = {
    "cookie_file": None,
    "esplora": None,
    "bitcoind": {
        "address": None,
        "rpc_port": None,
        "p2p_port": None,
        "data_dir": "/var/lib/bitcoind-signet",
    },
    "electrs": {"address": None, "port": None, "tls": False, "db_dir": "/var/lib/electrs-signet"},
    "backend": {"address": None, "port": None},
    "frontend": {"enable": True},
}


ELECTRS: dict[str, Any] = {
    "network": "testnet",
    "db_dir": "/data/electrs",
    "cookie_file": "/data/.cookie",
    "blocks_dir": "/data/blocks",
    "rpc_listen": None,
    "daemon_rpc": None,
    "daemon_p2p": None,
    "monitoring_address": None,
    "extra_arguments": ["--log-filters", "INFO $5"],
    "memory_limit": 1024,
}


class TestBackendUnit:
    def test_config_is_written_at_start_to_a_private_directory(self, nix: Nix) -> None:
        unit = nix.eval(call("backendUnit", BACKEND))
        service = unit["serviceConfig"]
        assert service["RuntimeDirectory"] == "mempool-signet"
        assert service["RuntimeDirectoryMode"] == "0700"
        assert service["ExecStartPre"] == (
            "/store/node/bin/node /store/write-config.js /store/settings.json"
            " /run/mempool-signet/config.json"
        )
        assert unit["environment"]["MEMPOOL_CONFIG_FILE"] == "/run/mempool-signet/config.json"
        assert service["LoadCredential"] == ["DATABASE.PASSWORD:/run/keys/db"]

    def test_a_release_before_2_5_0_has_its_config_bound_into_place(self, nix: Nix) -> None:
        old = {**BACKEND, "package": {**BACKEND["package"], "version": "2.4.1"}}  # type: ignore[dict-item]
        unit = nix.eval(call("backendUnit", old))
        assert "MEMPOOL_CONFIG_FILE" not in unit["environment"]
        assert unit["serviceConfig"]["BindReadOnlyPaths"] == [
            "-/run/mempool-signet/config.json:/store/backend/lib/mempool-backend/mempool-config.json"
        ]

    def test_may_do_little_and_comes_back(self, nix: Nix) -> None:
        service = nix.eval(call("backendUnit", BACKEND))["serviceConfig"]
        assert service["NoNewPrivileges"]
        assert service["PrivateTmp"]
        assert service["ProtectSystem"] == "strict"
        assert service["RestrictAddressFamilies"] == ["AF_INET", "AF_INET6", "AF_UNIX"]
        assert service["MemoryMax"] == "4096M"
        assert service["User"] == "mempool-signet"
        assert service["Restart"] == "always"


class TestElectrsUnit:
    def command(self, nix: Nix, version: str, **options: object) -> str:
        unit = nix.eval(
            call(
                "electrsUnit",
                {
                    "name": "testnet",
                    "package": {"outPath": "/store/electrs", "version": version},
                    "instance": {**ELECTRS, **options},
                },
            )
        )
        assert unit["serviceConfig"]["LoadCredential"] == ["cookie:/data/.cookie"]
        command = unit["serviceConfig"]["ExecStart"]
        assert isinstance(command, str)
        return command

    def test_ports_follow_from_the_network(self, nix: Nix) -> None:
        command = self.command(nix, "0.10.9")
        assert '--network testnet --db-dir "/data/electrs" --cookie-file %d/cookie' in command
        assert '--electrum-rpc-addr "127.0.0.1:60001"' in command
        assert '--daemon-rpc-addr "127.0.0.1:18332"' in command
        assert '--daemon-p2p-addr "127.0.0.1:18333"' in command

    def test_only_old_ones_read_blocks(self, nix: Nix) -> None:
        assert "--blocks-dir" not in self.command(nix, "0.10.9")
        assert '--blocks-dir "/data/blocks"' in self.command(nix, "0.8.12")

    def test_arguments_are_quoted_for_systemd(self, nix: Nix) -> None:
        assert self.command(nix, "0.10.9").endswith('"--log-filters" "INFO $$5"')


class TestClashes:
    def test_name_what_and_who(self, nix: Nix) -> None:
        found = nix.eval(
            call(
                "clashes",
                "services.x",
                {"port": {"a": 1, "b": 2, "c": 1}, "user": {"a": None, "b": None}},
            )
        )
        assert [one["assertion"] for one in found] == [False]
        assert found[0]["message"].startswith("services.x: a and c want the same port, 1.")


class TestChain:
    def parts(self, nix: Nix, **options: object) -> Any:
        return nix.eval(call("chain", "signet", {**CHAIN, **options}))

    def test_each_part_knows_the_one_before(self, nix: Nix) -> None:
        parts = self.parts(nix)
        assert parts["bitcoind"]["rpc"]["port"] == 38332
        assert parts["bitcoind"]["extraConfig"] == (
            "signet=1\ntxindex=1\nincludeconf=/var/lib/mempool-rpc/signet/bitcoin.conf\n"
        )
        assert parts["electrs"]["daemon_rpc"] == "127.0.0.1:38332"
        assert parts["electrs"]["cookie_file"] == "/var/lib/mempool-rpc/signet/electrs.cookie"
        assert parts["backend"]["rpc_user"] == "mempool"
        password = parts["backend"]["rpc_password_file"]
        assert password == "/var/lib/mempool-rpc/signet/mempool.password"
        assert parts["backend"]["settings"]["ELECTRUM"]["PORT"] == 60601
        assert parts["frontend"] == {"backend": None, "esplora": None}
        assert parts["problems"] == []

    def test_a_shared_port_is_set_once(self, nix: Nix) -> None:
        parts = self.parts(nix, bitcoind={**CHAIN["bitcoind"], "rpc_port": 1234})
        assert parts["bitcoind"]["rpc"]["port"] == 1234
        assert parts["electrs"]["daemon_rpc"] == "127.0.0.1:1234"
        assert parts["backend"]["settings"]["CORE_RPC"]["PORT"] == 1234

    @pytest.mark.parametrize("part", ["bitcoind", "electrs", "backend"])
    def test_a_part_elsewhere_is_not_set_up_here(self, nix: Nix, part: str) -> None:
        remote = {**CHAIN[part], "address": "far.example"}
        parts = self.parts(nix, **{part: remote}, cookie_file="/run/keys/rpc")
        assert parts[part] is None
        others = {"bitcoind", "electrs", "backend"} - {part}
        assert all(parts[other] is not None for other in others)

    def test_addresses_elsewhere_reach_the_parts_here(self, nix: Nix) -> None:
        parts = self.parts(
            nix,
            cookie_file="/run/keys/rpc",
            bitcoind={**CHAIN["bitcoind"], "address": "node.example"},
            electrs={**CHAIN["electrs"], "address": "electrum.example", "port": 50002, "tls": True},
        )
        settings = parts["backend"]["settings"]
        assert settings["CORE_RPC"] == {"HOST": "node.example", "PORT": 38332}
        assert settings["ELECTRUM"] == {
            "HOST": "electrum.example",
            "PORT": 50002,
            "TLS_ENABLED": True,
        }
        assert parts["rpcUsers"] is None
        assert parts["backend"]["cookie_file"] == "/run/keys/rpc"

    def test_an_esplora_server_takes_the_place_of_electrs(self, nix: Nix) -> None:
        parts = self.parts(nix, esplora="127.0.0.1:3000")
        assert parts["electrs"] is None
        settings = parts["backend"]["settings"]
        assert settings["MEMPOOL"]["BACKEND"] == "esplora"
        assert settings["ESPLORA"]["REST_API_URL"] == "http://127.0.0.1:3000"
        assert parts["frontend"]["esplora"] == "127.0.0.1:3000"
        assert parts["backend"]["after"] == ["bitcoind-signet.service"]

    def test_rpc_users_may_read_and_send_but_not_steer(self, nix: Nix) -> None:
        users = self.parts(nix)["rpcUsers"]
        assert set(users) == {"mempool", "electrs"}
        for calls in users.values():
            assert {"getblock", "getrawtransaction", "sendrawtransaction"} <= set(calls)
            steering = (
                "stop",
                "addnode",
                "set",
                "invalidate",
                "import",
                "dump",
                "generate",
                "prune",
            )
            assert not [call for call in calls if call.startswith(steering)]

    def test_a_bitcoind_elsewhere_needs_a_cookie_file(self, nix: Nix) -> None:
        parts = self.parts(nix, bitcoind={**CHAIN["bitcoind"], "address": "node.example"})
        assert len(parts["problems"]) == 1
        assert "services.mempool.signet: bitcoind is at node.example" in parts["problems"][0]


class TestFrontendConfig:
    def test_networks_are_flags_and_settings_win(self, nix: Nix) -> None:
        scripts = nix.eval(
            call(
                "frontendConfig",
                {
                    "version": "3.3.1",
                    "commit": "abc",
                    "enabled": ["mainnet", "signet"],
                    "settings": {"ITEMS_PER_PAGE": 25, "MAINNET_ENABLED": False},
                },
            )
        )
        assert '"SIGNET_ENABLED":true' in scripts["config"]
        assert '"TESTNET_ENABLED":false' in scripts["config"]
        assert '"MAINNET_ENABLED":false' in scripts["config"]
        assert '"ITEMS_PER_PAGE":25' in scripts["config"]
        assert scripts["customize"] == ""

    def test_without_the_main_network_another_is_at_the_root_for_pages_and_api(
        self, nix: Nix
    ) -> None:
        enabled = ["testnet", "signet"]
        given = {"version": "3.3.1", "commit": "abc", "enabled": enabled}
        scripts = nix.eval(call("frontendConfig", given))
        assert '"ROOT_NETWORK":"signet"' in scripts["config"]
        backends = {"testnet": "127.0.0.1:1", "signet": "127.0.0.1:2"}
        pages = {"root": "/p", "languages": [], "config": "/c", "customize": "/d"}
        locations = nix.eval(call("nginx", {**pages, "backends": backends}))["locations"]
        assert "http://127.0.0.1:2/api/v1" in locations["/api/v1"]
        assert "http://127.0.0.1:2/api/v1" in locations["/signet/api/v1"]
        assert "http://127.0.0.1:1/api/v1" in locations["/testnet/api/v1"]
