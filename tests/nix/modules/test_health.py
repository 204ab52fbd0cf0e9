"""A backend that hangs is restarted, under a real systemd; one that never answered is let be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.container_host import wait_until
from tests.support.logic import call
from tests.support.machine import booted_machine
from tests.support.projects import ROOT
from tests.support.units import render, visible_checkout

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = [pytest.mark.container, pytest.mark.nix, pytest.mark.npm]

UNIT = "mempool-one"
ANSWERS = "require('http').createServer((_, response) => response.end()).listen(8999, '127.0.0.1')"


def test_what_answered_and_hangs_is_restarted(nix: Nix) -> None:
    made = nix.eval(
        call(
            "healthUnits",
            {
                "name": "one",
                "url": "http://127.0.0.1:8999/api/v1/backend-info",
                "shell": "/bin/bash",
                "script": str(ROOT / "nix/modules/runtime/health.sh"),
                "path": ["/usr"],
                "interval": 1,
                "failures": 2,
            },
        )
    )
    units = {
        f"{UNIT}.service": f'[Service]\nExecStart=/usr/bin/node -e "{ANSWERS}"\n',
        f"{UNIT}-health.service": render(made["service"]),
        f"{UNIT}-health.timer": render(made["timer"]),
        f"{UNIT}-health.service.d/checkout.conf": visible_checkout(),
    }
    with booted_machine(units) as machine:
        machine.run("systemctl", "start", UNIT)
        looks = ("systemctl", "start", f"{UNIT}-health.service")

        # Not yet seen to answer: a first start takes as long as it takes.
        before = machine.shows(UNIT, "MainPID")
        machine.run("systemctl", "kill", "--signal=STOP", UNIT)
        for _ in range(3):
            assert machine.run(*looks).returncode == 0
        assert machine.shows(UNIT, "MainPID") == before

        machine.run("systemctl", "kill", "--signal=CONT", UNIT)
        state = machine.root / "run/mempool-one-health/state"
        wait_until(
            lambda: (
                machine.run(*looks).returncode == 0
                and machine.run("test", "-e", f"/{state.relative_to(machine.root)}").returncode == 0
            )
        )
        machine.run("systemctl", "start", f"{UNIT}-health.timer")
        machine.run("systemctl", "kill", "--signal=STOP", UNIT)
        wait_until(lambda: machine.shows(UNIT, "MainPID") not in ("0", before), 90)
        assert "2 times in a row: it is restarted" in machine.journal(f"--unit={UNIT}-health")
        assert machine.state(f"{UNIT}-health.timer") == "active"
