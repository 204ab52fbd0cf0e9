"""The VM test's steps under a real systemd, as far as they go without NixOS.

nginx, MariaDB, Node.js and systemd are real, and so are the units, nginx' rules and scripts, as the
modules make them of the VM test's own configuration. bitcoind, electrs, the backend and the pages
have stand-ins, in ``explorer/``.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix.modules.test_modules import NIXPKGS_LIB
from tests.nix.modules.test_vm import SCRIPT
from tests.support.container_host import wait_until
from tests.support.machine import booted_machine
from tests.support.nix import NixElsewhere, nix_elsewhere
from tests.support.units import render

if TYPE_CHECKING:
    from tests.support.machine import Machine

pytestmark = [
    pytest.mark.container,
    pytest.mark.nix,
    pytest.mark.npm,
    pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib"),
]

nix = nix_elsewhere

HERE = Path(__file__).with_name("explorer")
STEPS = (
    "all_parts_come_up_by_themselves",
    "two_networks_stand_beside_each_other",
    "bitcoind_is_on_the_chain_that_was_asked_for",
    "the_backends_rpc_user_may_read_and_not_steer",
    "the_backend_listens_on_this_machine_alone",
    "each_part_comes_back_when_it_is_killed",
    "each_part_can_be_restarted",
    "the_language_is_the_visitors_and_can_be_switched",
)
# A stand-in's own children may outlive it, which the old control groups do not tell of.
QUICK = "[Service]\nRestartSec=1\nTimeoutStopSec=3\nMemoryMax=infinity\n"
NGINX = """\
user root; worker_processes 1; daemon off; pid /run/nginx.pid; error_log stderr;
events { }
http { access_log off; default_type text/html; APPEND
server { listen 80; EXTRA LOCATIONS } }
"""
SERVER = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
User=mysql
RuntimeDirectory=mysqld
ExecStartPre=/bin/sh -c "test -e /var/lib/mysql/mysql || mariadb-install-db --no-defaults \
  --datadir=/var/lib/mysql --force --skip-test-db --auth-root-socket-user=root \
  --auth-root-authentication-method=socket"
ExecStart=/usr/sbin/mariadbd --no-defaults --datadir=/var/lib/mysql \
  --socket=/run/mysqld/mysqld.sock --skip-networking
Restart=always
RestartSec=1
"""


class Explorer:
    """The machine, as the VM test's script has it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def _run(self, command: str) -> tuple[int, str]:
        # There is no PAM here, without which runuser refuses.
        command = command.replace("runuser -u ", "setpriv --clear-groups --reuid=")
        path = "export PATH=/opt/bin:$PATH; "
        done = self.machine.run("sh", "-c", path + command)
        return done.returncode, done.stdout

    def succeed(self, command: str) -> str:
        status, said = self._run(command)
        assert status == 0, (command, said, self.machine.journal("--lines=60"))
        return said

    def fail(self, command: str) -> None:
        assert self._run(command)[0] != 0, command

    def wait_until_succeeds(self, command: str, timeout: float = 90) -> str:
        said: list[str] = []

        def succeeds() -> bool:
            status, text = self._run(command)
            said.append(text)
            return status == 0

        try:
            # What takes minutes on a whole machine takes seconds here.
            wait_until(succeeds, min(timeout, 60))
        except AssertionError:
            pytest.fail(f"{command}: {self.machine.journal('--lines=80')}")
        return said[-1]

    def wait_for_unit(self, unit: str, timeout: float = 90) -> None:
        self.wait_until_succeeds(f"systemctl is-active {unit}", timeout)


def lay_out(machine: Machine, nix: NixElsewhere, found: dict[str, Any]) -> None:
    """What NixOS makes of the configuration, and the stand-ins."""
    root = machine.root
    units = root / "etc/systemd/system"
    for kind, described in {"service": found["units"], "timer": found["timers"]}.items():
        for name, unit in described.items():
            (units / f"{name}.{kind}").write_text(render(unit))
            if kind == "service" and "Restart" in unit["serviceConfig"]:
                (units / f"{name}.service.d").mkdir()
                (units / f"{name}.service.d/quick.conf").write_text(QUICK)
    for store_path in set(re.findall(r"/nix/store/[a-z0-9]{32}-[^\s/\"]+", json.dumps(found))):
        if nix.file(store_path).is_file():
            (root / "nix/store").mkdir(parents=True, exist_ok=True)
            shutil.copy(nix.file(store_path), root / store_path.lstrip("/"))
    for network, bitcoind in found["bitcoind"].items():
        (root / f"opt/{network}.conf").parent.mkdir(exist_ok=True)
        (root / f"opt/{network}.conf").write_text(bitcoind["extraConfig"])
        (units / f"bitcoind-{network}.service").write_text(
            f"[Service]\nUser=bitcoind-{network}\nStateDirectory=bitcoind-{network}\n"
            f"ExecStart=/usr/bin/node /opt/bitcoind.js /opt/{network}.conf"
            f" {bitcoind['dataDir']} {bitcoind['port']}\nRestart=on-failure\nRestartSec=1\n"
        )
    (units / "mysql.service").write_text(SERVER)
    (units / "nginx.service").write_text(
        "[Service]\nExecStart=/usr/sbin/nginx -c /opt/nginx.conf\nRestart=always\nRestartSec=1\n"
    )
    nginx = found["nginx"]
    locations = "\n".join(
        f"location {name} {{\n{text}}}" for name, text in sorted(nginx["locations"].items())
    )
    text = NGINX.replace("APPEND", nginx["appendHttpConfig"]).replace("EXTRA", nginx["extraConfig"])
    (root / "opt/nginx.conf").write_text(text.replace("LOCATIONS", locations))
    for directory in ("bin", "electrs/bin", "mempool/bin"):
        (root / "opt" / directory).mkdir(parents=True)
    shutil.copy(HERE / "bitcoind.js", root / "opt/bitcoind.js")
    shutil.copy(HERE / "backend.js", root / "opt/mempool/backend.js")
    shutil.copy(HERE / "bitcoin-cli", root / "opt/bin/bitcoin-cli")
    shutil.copy(HERE / "electrs", root / "opt/electrs/bin/electrs")
    program = root / "opt/mempool/bin/mempool-backend"
    program.write_text("#!/bin/sh\nexec node $MEMPOOL_NODE_OPTIONS /opt/mempool/backend.js\n")
    program.chmod(0o755)
    for language in ("en-US", "de", "fr"):
        (root / "opt/pages/share" / language).mkdir(parents=True)
        page = root / "opt/pages/share" / language / "index.html"
        page.write_text(f'<html lang="{language}"></html>')
    for directory in ("var/lib/nginx", "var/cache/nginx", "var/log/nginx", "var/lib/mysql"):
        (root / directory).mkdir(parents=True)
    names = [*found["users"], *(f"bitcoind-{network}" for network in found["bitcoind"]), "mysql"]
    kept = (root / "etc/passwd").read_text().splitlines()
    (root / "etc/passwd").write_text(
        "".join(f"{line}\n" for line in kept if line.split(":")[0] not in names)
        + "".join(f"{name}:x:{9000 + i}:{9000 + i}::/:/bin/sh\n" for i, name in enumerate(names))
    )
    groups = (root / "etc/group").read_text().splitlines()
    (root / "etc/group").write_text(
        "".join(f"{line}\n" for line in groups if line.split(":")[0] not in names)
        + "".join(f"{name}:x:{9000 + i}:\n" for i, name in enumerate(names))
    )
    (root / "etc/mempool.conf").write_text("".join(f"{rule}\n" for rule in found["tmpfiles"]))


def test_the_steps_that_need_no_nixos_pass(nix: NixElsewhere) -> None:
    done = nix.run(
        *("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr"),
        f"import {HERE}/machine.nix {{ nixpkgsLib = {NIXPKGS_LIB}; }}",
    )
    found = json.loads(done.stdout)
    with booted_machine({}) as machine:
        lay_out(machine, nix, found)
        assert machine.run("systemd-tmpfiles", "--create", "/etc/mempool.conf").returncode == 0
        machine.run("chown", "mysql:mysql", "/var/lib/mysql")
        machine.run("systemctl", "daemon-reload")
        names = [f"{name}.service" for name in found["units"]]
        timers = [f"{name}.timer" for name in found["timers"]]
        machine.run("systemctl", "enable", *names, *timers)
        running = [f"bitcoind-{network}" for network in found["bitcoind"]]
        machine.run("systemctl", "start", "--no-block", "multi-user.target", "nginx", *running)
        # As the target does at boot; it was reached before these units were there.
        wanted = [name for name in names if "-health" not in name]
        machine.run("systemctl", "start", "--no-block", *wanted)

        # The script without its last two statements, which run all steps.
        tree = ast.parse(SCRIPT.read_text())
        tree.body = tree.body[:-2]
        names_of: dict[str, Any] = {"explorer": Explorer(machine)}
        exec(compile(tree, str(SCRIPT), "exec"), names_of)  # noqa: S102
        assert set(STEPS) < {step.__name__ for step in names_of["STEPS"]}
        for step in STEPS:
            names_of[step]()
