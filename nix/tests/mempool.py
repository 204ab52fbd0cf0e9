"""The script of mempool.nix, as NixOS' test driver runs it: `explorer` is the machine."""

# The driver defines `explorer` and `subtest`.
# ruff: noqa: F821, S101, S105

CLI = (
    "runuser -u bitcoind-regtest --"
    " bitcoin-cli -regtest -datadir=/var/lib/bitcoind-regtest -rpcport=18443"
)
API = "http://127.0.0.1/regtest/api/v1"
PARTS = ("bitcoind-regtest", "electrs-regtest", "mempool-regtest", "mysql", "nginx")


def height() -> int:
    """How high the chain is for bitcoind."""
    return int(explorer.succeed(f"{CLI} getblockcount"))


def mine(blocks: int) -> None:
    """Add blocks to the chain."""
    explorer.succeed(f"{CLI} -generate {blocks}")


def shown() -> None:
    """Wait until the pages' API shows the chain as high as it is."""
    explorer.wait_until_succeeds(
        f"test $(curl -sf {API}/blocks/tip/height) = {height()}", timeout=300
    )


def page(path: str, *headers: str) -> str:
    """A page's text."""
    given = " ".join(f"-H '{header}'" for header in headers)
    return explorer.succeed(f"curl -sf {given} http://127.0.0.1{path}")


explorer.start()

with subtest("all parts come up by themselves"):
    for part in (*PARTS, "bitcoind-signet", "mempool-signet"):
        explorer.wait_for_unit(f"{part}.service", timeout=600)
    explorer.succeed(f"{CLI} createwallet test")
    mine(101)
    shown()

with subtest("two networks stand beside each other"):
    explorer.wait_until_succeeds("curl -sf http://127.0.0.1/signet/api/v1/blocks/tip/height")
    networks = [
        explorer.succeed(f"jq -r .MEMPOOL.NETWORK /run/mempool-{name}/config.json").strip()
        for name in ("regtest", "signet")
    ]
    assert networks == ["regtest", "signet"], networks

with subtest("bitcoind is on the chain that was asked for"):
    assert '"chain": "regtest"' in explorer.succeed(f"{CLI} getblockchaininfo")

with subtest("the backend's RPC user may read, and not steer"):
    secret = "/var/lib/mempool-rpc/regtest/mempool.password"
    ask = (
        f"curl -s -o /dev/null -w '%{{http_code}}' -u mempool:$(cat {secret})"
        ' http://127.0.0.1:18443/ -d \'{"method": "METHOD"}\''
    )
    assert explorer.succeed(ask.replace("METHOD", "getblockcount")) == "200"
    assert explorer.succeed(ask.replace("METHOD", "stop")) == "403"
    explorer.fail(f"runuser -u nobody -- cat {secret}")

with subtest("the backend listens on this machine alone"):
    listening = explorer.succeed("ss -ltnH sport = :8989").split()
    assert "127.0.0.1:8989" in listening, listening
    assert not [word for word in listening if word.startswith(("*:", "0.0.0.0:8989", "[::]:"))]

with subtest("an address and a transaction can be looked up"):
    address = explorer.succeed(f"{CLI} getnewaddress").strip()
    explorer.succeed(f"{CLI} sendtoaddress {address} 1")
    mine(1)
    shown()
    explorer.wait_until_succeeds(
        f"curl -sf http://127.0.0.1/regtest/api/address/{address} | grep -q '\"tx_count\":1'",
        timeout=120,
    )

with subtest("each part comes back when it is killed"):
    for part in PARTS:
        explorer.succeed(f"systemctl kill --signal=KILL {part}.service")
        explorer.wait_until_succeeds(f"systemctl is-active {part}.service", timeout=120)
        mine(1)
        shown()

with subtest("each part can be restarted"):
    for part in PARTS:
        explorer.succeed(f"systemctl restart {part}.service")
        explorer.wait_for_unit(f"{part}.service", timeout=120)
        mine(1)
        shown()

with subtest("the language is the visitor's, and can be switched"):
    german = page("/", "Accept-Language: de")
    assert 'lang="de"' in german
    headers = explorer.succeed("curl -sI -H 'Cookie: lang=de' http://127.0.0.1/").lower()
    assert "etag" not in headers, headers
    switched = page("/", "Cookie: lang=fr", "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT")
    assert 'lang="fr"' in switched

with subtest("a setting is changed without a build"):
    package = "readlink -f /run/current-system/specialisation/quicker"
    before = explorer.succeed("systemctl show mempool-regtest --property=MainPID --value")
    explorer.succeed(f"$({package})/bin/switch-to-configuration test")
    explorer.wait_for_unit("mempool-regtest.service", timeout=120)
    after = explorer.succeed("systemctl show mempool-regtest --property=MainPID --value")
    assert after != before
    assert '"ITEMS_PER_PAGE":25' in page("/resources/config.js")
    mine(1)
    shown()

with subtest("a reboot brings everything back"):
    explorer.succeed("sync")
    explorer.shutdown()
    explorer.start()
    for part in PARTS:
        explorer.wait_for_unit(f"{part}.service", timeout=600)
    explorer.succeed(f"{CLI} loadwallet test")
    mine(1)
    shown()
