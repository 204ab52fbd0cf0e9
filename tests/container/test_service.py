"""The modules' units for a container build, run by a real systemd from boot to failure."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.container_host import processes_with, wait_until
from tests.support.logic import call
from tests.support.machine import booted_machine
from tests.support.projects import ROOT, write_lock
from tests.support.units import render, visible_checkout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.machine import Machine
    from tests.support.nix import Nix

pytestmark = [pytest.mark.container, pytest.mark.nix, pytest.mark.npm]

_BUILD = "mempool-backend-build"
_INSTANCE = "mempool-mainnet"
_CURRENT = "var/lib/mempool/results/mempool-backend/current"

# Of mempool's shape: it is built from TypeScript's place, and reads its config.
_MAIN = """\
const { readFileSync } = require('fs');
const config = JSON.parse(readFileSync(process.env.MEMPOOL_CONFIG_FILE, 'utf8'));
console.log(`ANSWER on ${config.MEMPOOL.NETWORK}`);
setInterval(() => {}, 1e6);
"""


def options(runner: str, *, wait: bool) -> dict[str, Any]:
    return {
        "runner": runner,
        "memory": "2G",
        "cpus": None,
        "time_limit": 600,
        "environment": {},
        "tools": ["/usr/bin/mkdir", "/usr/bin/sleep"],
        "cafile": None,
        "npmrc": None,
        "settle": 1,
        "keep_previous": False,
        "wait": wait,
        "state_dir": "/etc/mempool",
        "work_dir": "/var/lib/mempool/work",
        "result_dir": "/var/lib/mempool/results",
    }


def units(
    nix: Nix, runner: str, *, wait: bool = False, allow: Sequence[str] = ()
) -> dict[str, str]:
    """As the modules have them, for a backend whose source is at ``/source``."""
    project = {
        "source": "/source",
        "script": str(ROOT / "nix/mempool/container/backend.sh"),
        "output": "backend",
        "environment": {"MEMPOOL_COMMIT_HASH": "abc"},
        "tools": [],
        "visible": [],
    }
    build = {
        "name": "mempool-backend",
        "project": project,
        "units": [f"{_INSTANCE}.service"],
        "options": options(runner, wait=wait),
        "program": sys.prefix,
        "path": ["/usr"],
    }
    instance = {
        "name": "mainnet",
        "package": {"version": "3.3.1"},
        "nodejs": "/usr",
        "address": "127.0.0.1",
        "preload": str(ROOT / "nix/modules/runtime/preload.js"),
        "writeConfig": str(ROOT / "nix/modules/runtime/write-config.js"),
        "template": "/etc/settings.json",
        "credentials": {},
        "memory_limit": 1024,
        "result": f"/{_CURRENT}",
    }
    slice_config = nix.eval(call("buildSlice", {"allow": allow, "deny": ["localhost"]}))
    return {
        f"{_BUILD}.service": render(nix.eval(call("containerBuildUnit", build))),
        f"{_INSTANCE}.service": render(nix.eval(call("backendUnit", instance))),
        "mempool-build.slice": render({"description": "Builds", "sliceConfig": slice_config}),
        **{f"{name}.service.d/checkout.conf": visible_checkout() for name in (_BUILD, _INSTANCE)},
    }


def write_source(machine: Machine, answer: str, build: str = "true") -> None:
    backend = machine.root / "source/backend"
    write_lock(backend, {})
    (backend / "main.js").write_text(_MAIN.replace("ANSWER", answer))
    scripts = {"build": f"{build} && mkdir dist && cp main.js dist/index.js"}
    manifest = {"name": "project", "version": "1.0.0", "scripts": scripts}
    (backend / "package.json").write_text(json.dumps(manifest))


def switch(machine: Machine) -> None:
    """What of a ``nixos-rebuild switch`` starts units: it starts the targets that are active."""
    started = machine.run("systemctl", "start", "multi-user.target")
    assert started.returncode == 0, started.stderr


def build_ended(machine: Machine) -> bool:
    return machine.state(_BUILD) in ("inactive", "failed")


def said(machine: Machine, unit: str) -> str:
    return machine.journal(f"--unit={unit}", "--output=cat")


def prepare(machine: Machine) -> None:
    """What NixOS makes beside units: the instance's user, and its settings."""
    for file, line in {
        "passwd": f"{_INSTANCE}:x:990:990::/:/usr/sbin/nologin\n",
        "group": f"{_INSTANCE}:x:990:\n",
    }.items():
        path = machine.root / "etc" / file
        path.write_text(path.read_text() + line)
    (machine.root / "etc/settings.json").write_text('{"MEMPOOL": {"NETWORK": "mainnet"}}')


@pytest.fixture(params=["nspawn", "bwrap"])
def machine(request: pytest.FixtureRequest, nix: Nix) -> Iterator[Machine]:
    with booted_machine(units(nix, request.param)) as booted:
        prepare(booted)
        yield booted


def test_each_switch_starts_the_build_and_the_instance_runs_from_what_is_current(
    machine: Machine,
) -> None:
    # Before there is any result, the instance is skipped and does not fail.
    assert machine.run("systemctl", "start", _INSTANCE).returncode == 0
    assert machine.state(_INSTANCE) == "inactive"
    assert machine.shows(_INSTANCE, "ConditionResult") == "no"

    # The switch that brings the units is over while the build goes on, and another lets it go on.
    write_source(machine, "one", "sleep 3")
    machine.run("systemctl", "enable", _BUILD, _INSTANCE)
    switch(machine)
    assert machine.state(_BUILD) == "activating"
    switch(machine)
    wait_until(lambda: build_ended(machine), 120)
    assert machine.shows(_BUILD, "Result") == "success", said(machine, _BUILD)
    assert said(machine, _BUILD).count("Starting ") == 1
    assert machine.state(_INSTANCE) == "active", said(machine, _INSTANCE)
    wait_until(lambda: "one on mainnet" in said(machine, _INSTANCE))
    assert (machine.root / "etc/mempool/mempool-backend").exists()
    first = machine.shows(_INSTANCE, "MainPID")

    # The next one finds nothing to do, and restarts nothing.
    switch(machine)
    wait_until(lambda: "nothing to do" in said(machine, _BUILD), 60)
    wait_until(lambda: build_ended(machine))
    assert machine.shows(_INSTANCE, "MainPID") == first

    write_source(machine, "two")
    switch(machine)
    wait_until(lambda: "two on mainnet" in said(machine, _INSTANCE), 120)
    wait_until(lambda: build_ended(machine))
    second = machine.shows(_INSTANCE, "MainPID")
    assert second != first

    write_source(machine, "three", "false")
    switch(machine)
    wait_until(lambda: build_ended(machine), 120)
    assert machine.state(_BUILD) == "failed"
    assert "the build script ended with status" in said(machine, _BUILD)
    assert machine.shows(_INSTANCE, "MainPID") == second


def test_a_build_that_is_stopped_leaves_nothing_behind_and_starts_anew(machine: Machine) -> None:
    nap = f"{7000 + os.getpid() % 1000}.{hash(machine.root) % 10**6}"
    write_source(machine, "slow", f"sleep {nap}")
    machine.run("systemctl", "enable", _BUILD)
    switch(machine)
    wait_until(lambda: processes_with(f"sleep\0{nap}"), 120)
    # What holds for all builds together holds for the scope of this one.
    assert machine.shows(_BUILD, "Slice") == "mempool-build.slice"
    assert machine.shows("mempoolbackendbuild*.scope", "Slice") == "mempool-build.slice"

    # As where a switch brings another source while the old one is built.
    machine.run("systemctl", "stop", _BUILD)
    wait_until(lambda: not processes_with(f"sleep\0{nap}"))
    write_source(machine, "quick")
    switch(machine)
    wait_until(lambda: build_ended(machine), 120)
    assert machine.shows(_BUILD, "Result") == "success", said(machine, _BUILD)
    assert "quick" in _result(machine).read_text()
    work = machine.root / "var/lib/mempool/work/mempool-backend"
    assert {path.name for path in work.iterdir()} == {"lock", "mempool-backend-lastlog"}


def test_a_switch_waits_for_the_build_where_that_is_wished(nix: Nix) -> None:
    with booted_machine(units(nix, "bwrap", wait=True)) as machine:
        prepare(machine)
        write_source(machine, "one")
        machine.run("systemctl", "enable", _BUILD, _INSTANCE)
        switch(machine)
        assert machine.state(_BUILD) == "inactive"
        assert machine.state(_INSTANCE) == "active", said(machine, _BUILD)
        write_source(machine, "two", "false")
        switch(machine)
        assert machine.state(_BUILD) == "failed"  # which is what a switch looks at in the end


# Connects to a port of the machine's, and gives up where nothing comes back.
_ASK = """\
const { writeFileSync } = require('fs');
const socket = require('net').connect(PORT, '127.0.0.1');
const tell = (text) => { writeFileSync('main.js', text); socket.destroy(); };
socket.setTimeout(5000, () => tell('// kept away'));
socket.on('connect', () => tell('// reached'));
"""


@pytest.mark.parametrize("runner", ["nspawn", "bwrap"])
@pytest.mark.parametrize(
    ("allow", "told"), [([], "// kept away"), (["127.0.0.1"], "// reached")], ids=["deny", "allow"]
)
def test_a_build_reaches_of_the_machine_only_what_is_allowed(
    nix: Nix, runner: str, allow: list[str], told: str
) -> None:
    described = units(nix, runner, wait=True, allow=allow)
    with (
        booted_machine(described, firewall=True) as machine,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        if "does not support BPF/cgroup firewalling" in machine.journal():
            pytest.skip("systemd has no firewall here")
        prepare(machine)
        write_source(machine, "", "node ask.js")
        ask = _ASK.replace("PORT", str(server.getsockname()[1]))
        (machine.root / "source/backend/ask.js").write_text(ask)
        machine.run("systemctl", "enable", _BUILD)
        switch(machine)
        assert _result(machine).read_text() == told, said(machine, _BUILD)


def _result(machine: Machine) -> Path:
    current = machine.root / _CURRENT
    return current.parent / current.readlink() / "dist/index.js"
