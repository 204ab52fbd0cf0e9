"""A backend's settings: the `config` string, what goes over what, and secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.logic import call

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

# Options that nobody set.
NOTHING: dict[str, object] = {
    "package": {"version": "3.3.1"},
    "pools": None,
    "beneath": {},
    "config": None,
    "settings": {},
    "network": None,
    "port": None,
    "db_name": None,
    "db_user": None,
    "db_psk": None,
    "db_psk_file": None,
    "db_host": None,
    "db_port": None,
    "db_socket": "/run/mysqld/mysqld.sock",
    "cookie_file": None,
    "rpc_user": None,
    "rpc_password_file": None,
}


def evaluated(nix: Nix, name: str, **options: object) -> Any:
    return nix.eval(call("backendSettings", name, {**NOTHING, **options}))


def refusal(nix: Nix, expression: str) -> str:
    done = nix.run(
        "nix-instantiate", "--eval", "--strict", "--json", "--expr", expression, check=False
    )
    assert done.returncode != 0, done.stdout
    return done.stderr


class TestRawConfig:
    def test_outermost_braces_may_be_left_out(self, nix: Nix) -> None:
        inner = '"MEMPOOL": { "NETWORK": "testnet" }, "ELECTRUM": { "PORT": 60001 }'
        expected = {"MEMPOOL": {"NETWORK": "testnet"}, "ELECTRUM": {"PORT": 60001}}
        for text in (inner, f"{{ {inner} }}"):
            assert nix.eval(call("parseRawConfig", "a", text)) == expected

    def test_commas_after_last_members_are_forgiven(self, nix: Nix) -> None:
        text = '"A": { "B": [1, 2,], "C": true, },'
        assert nix.eval(call("parseRawConfig", "a", text)) == {"A": {"B": [1, 2], "C": True}}

    def test_signs_within_strings_are_text(self, nix: Nix) -> None:
        value = {"A": 'brace } comma, "quote" \\ and é'}
        assert nix.eval(call("parseRawConfig", "a", json.dumps(value))) == value

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('"A": {', "1 of its braces"),
            ('"A" 1', "a colon is missing between '\"A\"' and '1'"),
            ('"A": }', "a value is missing"),
            ('"A": 1}', "after its end"),
            ('"A": [1 2]', "a comma is missing between '1' and '2'"),
            ("A: 1", "'A' has no meaning"),
            ('"A": "x', "has no meaning"),
            ('"A": 1,, "B": 2', "a name in quotes is missing"),
            ('["A"]', "a name in quotes is missing"),
        ],
    )
    def test_what_is_not_json_is_refused_by_instance_and_place(
        self, nix: Nix, text: str, said: str
    ) -> None:
        error = refusal(nix, call("parseRawConfig", "lightning", text))
        assert "services.mempool-backend.lightning.config is not JSON" in error
        assert said in error

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        value=st.dictionaries(
            st.text(max_size=8),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=3)
                ),
                max_leaves=8,
            ),
            max_size=4,
        )
    )
    def test_reads_whatever_json_says(self, nix: Nix, value: dict[str, Any]) -> None:
        # As ASCII: a Nix string holds no zero byte, an escape of it is no JSON to Nix.
        text = json.dumps(value)
        if "\\u0000" in text or "\\ud" in text:
            return
        assert nix.eval(call("parseRawConfig", "a", text)) == value


class TestDefaults:
    @pytest.mark.parametrize(
        ("network", "http", "electrum", "rpc", "database"),
        [
            ("mainnet", 8999, 50001, 8332, "mempool"),
            ("testnet", 8997, 60001, 18332, "mempool_testnet"),
            ("signet", 8995, 60601, 38332, "mempool_signet"),
        ],
    )
    def test_follow_from_the_network(
        self, nix: Nix, network: str, http: int, electrum: int, rpc: int, database: str
    ) -> None:
        chosen = evaluated(nix, network)["settings"]
        assert chosen["MEMPOOL"]["NETWORK"] == network
        assert chosen["MEMPOOL"]["HTTP_PORT"] == http
        assert chosen["ELECTRUM"] == {"HOST": "127.0.0.1", "PORT": electrum, "TLS_ENABLED": False}
        assert chosen["CORE_RPC"] == {"HOST": "127.0.0.1", "PORT": rpc}
        assert chosen["DATABASE"]["DATABASE"] == database

    def test_network_is_taken_from_the_config_of_an_instance_with_another_name(
        self, nix: Nix
    ) -> None:
        found = evaluated(nix, "second", config='"MEMPOOL": { "NETWORK": "signet" }')
        assert found["network"] == "signet"
        assert found["settings"]["MEMPOOL"]["HTTP_PORT"] == 8995

    def test_an_instance_of_no_known_network_is_refused(self, nix: Nix) -> None:
        error = refusal(nix, call("backendSettings", "second", NOTHING))
        assert "services.mempool-backend.second: which network?" in error

    def test_settings_win_over_config_and_config_over_defaults(self, nix: Nix) -> None:
        chosen = evaluated(
            nix,
            "mainnet",
            config='"ELECTRUM": {"PORT": 1, "HOST": "config.example"}, "MEMPOOL": {"X": [1, 2]}',
            settings={"ELECTRUM": {"PORT": 2}, "MEMPOOL": {"X": [3]}},
        )["settings"]
        assert chosen["ELECTRUM"] == {"HOST": "config.example", "PORT": 2, "TLS_ENABLED": False}
        assert chosen["MEMPOOL"]["X"] == [3]


class TestDatabase:
    def test_is_reached_by_socket_on_this_machine(self, nix: Nix) -> None:
        database = evaluated(nix, "mainnet")["settings"]["DATABASE"]
        assert database["SOCKET"] == "/run/mysqld/mysqld.sock"
        assert database["USERNAME"] == "mempool-mainnet"
        assert database["PASSWORD"] == ""

    def test_is_reached_by_address_elsewhere(self, nix: Nix) -> None:
        database = evaluated(nix, "mainnet", db_host="db.example", db_port=3307)["settings"][
            "DATABASE"
        ]
        assert (database["HOST"], database["PORT"], database["SOCKET"]) == ("db.example", 3307, "")


class TestSecrets:
    def test_are_named_in_the_template_and_found_in_files(self, nix: Nix) -> None:
        found = nix.eval(
            call(
                "secretsOf",
                {
                    "DATABASE": {"PASSWORD": {"_secret": "/run/keys/db"}, "PORT": 3306},
                    "CORE_RPC": {"USERNAME": {"_secret": "/c/.cookie", "_part": "user"}},
                },
            )
        )
        assert found == {
            "template": {
                "DATABASE": {"PASSWORD": {"_credential": "DATABASE.PASSWORD"}, "PORT": 3306},
                "CORE_RPC": {"USERNAME": {"_credential": "CORE_RPC.USERNAME", "_part": "user"}},
            },
            "credentials": {
                "DATABASE.PASSWORD": "/run/keys/db",
                "CORE_RPC.USERNAME": "/c/.cookie",
            },
        }

    def test_a_password_given_as_text_becomes_a_file(self, nix: Nix) -> None:
        given = {"CORE_RPC": {"PASSWORD": "x", "PORT": 1}, "SOCKS5PROXY": {"PASSWORD": ""}}
        found = nix.eval(call("seal", "mainnet", given))
        assert found["exposed"] == ["CORE_RPC.PASSWORD"]
        assert found["settings"]["CORE_RPC"]["PORT"] == 1
        assert found["settings"]["CORE_RPC"]["PASSWORD"]["_secret"].startswith(str(nix.root))
        assert found["settings"]["SOCKS5PROXY"] == {"PASSWORD": ""}

    def test_a_cookie_is_read_again_by_releases_that_can(self, nix: Nix) -> None:
        rpc = evaluated(nix, "mainnet", cookie_file="/c/.cookie")["settings"]["CORE_RPC"]
        assert rpc["COOKIE"]
        assert rpc["COOKIE_PATH"] == "/run/mempool-mainnet-cookie/cookie"
        assert not {"USERNAME", "PASSWORD"} & set(rpc)

    def test_a_cookie_gives_user_and_password_to_older_ones(self, nix: Nix) -> None:
        old = {"version": "2.5.1"}
        found = evaluated(nix, "mainnet", package=old, cookie_file="/c/.cookie")
        rpc = found["settings"]["CORE_RPC"]
        assert rpc["USERNAME"] == {"_secret": "/c/.cookie", "_part": "user"}
        assert rpc["PASSWORD"] == {"_secret": "/c/.cookie", "_part": "password"}
