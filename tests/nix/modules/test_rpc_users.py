"""bitcoind's RPC users: made once, as bitcoind wants them, and no secret where others read."""

from __future__ import annotations

import hmac
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.npm

SCRIPT = Path(__file__).parents[3] / "nix/modules/runtime/rpc-users.js"
USERS = {"mempool": ["getblock", "getblockhash"], "electrs": ["getrawtransaction"]}


def make(directory: Path, users: dict[str, list[str]] = USERS) -> list[str]:
    """Run it as its unit does; the lines for bitcoind."""
    subprocess.run(
        ["node", SCRIPT],
        env={
            "PATH": os.environ["PATH"],
            "STATE_DIRECTORY": str(directory),
            "RPC_USERS": json.dumps(users),
        },
        check=True,
        # The unit's umask.
        preexec_fn=lambda: os.umask(0o077),
    )
    return (directory / "bitcoin.conf").read_text().splitlines()


def test_bitcoind_knows_the_password_by_its_hash(tmp_path: Path) -> None:
    lines = make(tmp_path)
    for user in USERS:
        password = (tmp_path / f"{user}.password").read_text()
        assert len(password) >= 32
        assert (tmp_path / f"{user}.cookie").read_text() == f"{user}:{password}"
        (line,) = [line for line in lines if line.startswith(f"rpcauth={user}:")]
        salt, _, digest = line.partition(":")[2].partition("$")
        # As bitcoind checks it: the salt's text is the key.
        assert hmac.new(salt.encode(), password.encode(), "sha256").hexdigest() == digest
        assert password not in "\n".join(lines)


def test_users_may_call_what_is_listed_and_others_what_they_could(tmp_path: Path) -> None:
    lines = make(tmp_path)
    assert "rpcwhitelist=mempool:getblock,getblockhash" in lines
    assert "rpcwhitelist=electrs:getrawtransaction" in lines
    assert "rpcwhitelistdefault=0" in lines


def test_passwords_are_made_once_and_kept(tmp_path: Path) -> None:
    make(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.glob("*.password")}
    lines = make(tmp_path, {**USERS, "mempool": ["uptime"]})
    assert {path.name: path.read_text() for path in tmp_path.glob("*.password")} == before
    assert "rpcwhitelist=mempool:uptime" in lines


def test_nobody_but_root_reads_a_password_and_bitcoinds_group_the_hashes(tmp_path: Path) -> None:
    make(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        "bitcoin.conf": 0o640,
        **{f"{user}.{kind}": 0o600 for user in USERS for kind in ("password", "cookie")},
    }
