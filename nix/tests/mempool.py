"""The script of mempool.nix, as NixOS' test driver runs it: `explorer` is the machine."""

# The driver defines `explorer` and `subtest`.
# ruff: noqa: D103, F821, S101, S105

CLI = (
    "runuser -u bitcoind-regtest --"
    " bitcoin-cli -regtest -datadir=/var/lib/bitcoind-regtest -rpcport=18443"
)
API = "http://127.0.0.1/regtest/api/v1"
PARTS = ("bitcoind-regtest", "electrs-regtest", "mempool-regtest", "mysql", "nginx")


def height() -> int:
    """How high the chain is for bitcoind."""
    return int(explorer.wait_until_succeeds(f"{CLI} getblockcount", timeout=60))


def mine(blocks: int) -> None:
    """Add blocks to the chain."""
    explorer.wait_until_succeeds(f"{CLI} -generate {blocks}", timeout=60)


def shown() -> None:
    """Wait until the pages' API shows the chain as high as it is."""
    explorer.wait_until_succeeds(
        f"test $(curl -sf {API}/blocks/tip/height) = {height()}", timeout=300
    )


def page(path: str, *headers: str) -> str:
    """A page's text."""
    given = " ".join(f"-H '{header}'" for header in headers)
    return explorer.succeed(f"curl -sf {given} http://127.0.0.1{path}")


def all_parts_come_up_by_themselves() -> None:
    for part in (*PARTS, "bitcoind-signet", "mempool-signet"):
        explorer.wait_for_unit(f"{part}.service", timeout=600)
    explorer.wait_until_succeeds(f"{CLI} createwallet test", timeout=60)
    mine(101)
    shown()


def two_networks_stand_beside_each_other() -> None:
    explorer.wait_until_succeeds("curl -sf http://127.0.0.1/signet/api/v1/blocks/tip/height")
    for network in ("regtest", "signet"):
        config = explorer.succeed(f"cat /run/mempool-{network}/config.json")
        assert f'"NETWORK": "{network}"' in config


def bitcoind_is_on_the_chain_that_was_asked_for() -> None:
    assert '"chain": "regtest"' in explorer.succeed(f"{CLI} getblockchaininfo")


def the_backends_rpc_user_may_read_and_not_steer() -> None:
    secret = "/var/lib/mempool-rpc/regtest/mempool.password"
    ask = (
        f"curl -s -o /dev/null -w '%{{http_code}}' -u mempool:$(cat {secret})"
        ' http://127.0.0.1:18443/ -d \'{"method": "METHOD"}\''
    )
    assert explorer.succeed(ask.replace("METHOD", "getblockcount")) == "200"
    assert explorer.succeed(ask.replace("METHOD", "stop")) == "403"
    explorer.fail(f"runuser -u nobody -- cat {secret}")


def the_backend_listens_on_this_machine_alone() -> None:
    listening = explorer.succeed("ss -ltnH sport = :8989").split()
    assert "127.0.0.1:8989" in listening, listening
    assert not [word for word in listening if word in ("*:8989", "0.0.0.0:8989", "[::]:8989")]


def an_address_can_be_looked_up() -> None:
    address = explorer.succeed(f"{CLI} getnewaddress").strip()
    explorer.succeed(f"{CLI} sendtoaddress {address} 1")
    mine(1)
    shown()
    explorer.wait_until_succeeds(
        f"curl -sf http://127.0.0.1/regtest/api/address/{address} | grep -q '\"tx_count\":1'",
        timeout=120,
    )


def each_part_comes_back_when_it_is_killed() -> None:
    for part in PARTS:
        explorer.succeed(f"systemctl kill --signal=KILL {part}.service")
        explorer.wait_until_succeeds(f"systemctl is-active {part}.service", timeout=120)
        mine(1)
        shown()


def each_part_can_be_restarted() -> None:
    for part in PARTS:
        explorer.succeed(f"systemctl restart {part}.service")
        explorer.wait_for_unit(f"{part}.service", timeout=120)
        mine(1)
        shown()


def the_language_is_the_visitors_and_can_be_switched() -> None:
    assert 'lang="de"' in page("/", "Accept-Language: de")
    headers = explorer.succeed("curl -sI -H 'Cookie: lang=de' http://127.0.0.1/").lower()
    assert "etag" not in headers, headers
    switched = page("/", "Cookie: lang=fr", "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT")
    assert 'lang="fr"' in switched


def a_setting_is_changed_without_a_build() -> None:
    package = "readlink -f /run/current-system/specialisation/quicker"
    before = explorer.succeed("systemctl show mempool-regtest --property=MainPID --value")
    explorer.succeed(f"$({package})/bin/switch-to-configuration test")
    explorer.wait_for_unit("mempool-regtest.service", timeout=120)
    after = explorer.succeed("systemctl show mempool-regtest --property=MainPID --value")
    assert after != before
    assert '"ITEMS_PER_PAGE":25' in page("/resources/config.js")
    mine(1)
    shown()


def a_reboot_brings_everything_back() -> None:
    explorer.succeed("sync")
    explorer.shutdown()
    explorer.start()
    for part in PARTS:
        explorer.wait_for_unit(f"{part}.service", timeout=600)
    explorer.wait_until_succeeds(f"{CLI} loadwallet test", timeout=60)
    mine(1)
    shown()


STEPS = (
    all_parts_come_up_by_themselves,
    two_networks_stand_beside_each_other,
    bitcoind_is_on_the_chain_that_was_asked_for,
    the_backends_rpc_user_may_read_and_not_steer,
    the_backend_listens_on_this_machine_alone,
    an_address_can_be_looked_up,
    each_part_comes_back_when_it_is_killed,
    each_part_can_be_restarted,
    the_language_is_the_visitors_and_can_be_switched,
    a_setting_is_changed_without_a_build,
    a_reboot_brings_everything_back,
)

explorer.start()
for step in STEPS:
    with subtest(step.__name__.replace("_", " ")):
        step()
