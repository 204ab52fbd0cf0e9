"""Where something is built, and the unit that builds it, as pure functions give them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix.modules.test_units import BACKEND
from tests.support.logic import call
from tests.support.projects import run_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

OPTIONS: dict[str, Any] = {
    "runner": "nspawn",
    "memory": "8G",
    "cpus": None,
    "time_limit": 7200,
    "environment": {},
    "tools": ["/store/git"],
    "cafile": None,
    "npmrc": None,
    "settle": 10,
    "keep_previous": False,
    "wait": False,
    "state_dir": "/etc/mempool",
    "work_dir": "/var/lib/mempool/work",
    "result_dir": "/var/lib/mempool/results",
}

BUILD: dict[str, Any] = {
    "name": "mempool-backend",
    "project": {
        "source": "/store/source",
        "script": "/store/backend.sh",
        "output": "backend",
        "environment": {"MEMPOOL_COMMIT_HASH": "abc"},
        "tools": ["/store/cargo"],
        "visible": ["/store/logos"],
    },
    "units": ["mempool-mainnet.service", "mempool-signet.service"],
    "options": OPTIONS,
    "program": "/store/npm2nixlite",
    "path": ["/store/node", "/store/systemd"],
}

BLOCKERS = [
    {"path": "node_modules/a", "reason": "a git dependency that builds itself"},
    {"path": "node_modules/b", "reason": "no commit"},
]


def package(blockers: list[dict[str, str]], version: str = "1.0.0") -> dict[str, Any]:
    return {"version": version, "blockers": blockers, "containerBuild": {}}


class TestBuildModes:
    def modes(self, nix: Nix, **instances: tuple[str, dict[str, Any]]) -> Any:
        given = {
            f"services.x.{name}": {"build": build, "package": package}
            for name, (build, package) in instances.items()
        }
        return nix.eval(call("buildModes", given))

    def test_auto_is_canonical_where_that_can_be(self, nix: Nix) -> None:
        found = self.modes(nix, a=("auto", package([])), b=("auto", {"version": "1.0.0"}))
        assert found == {"container": [], "warnings": [], "assertions": []}

    def test_auto_is_a_container_and_a_warning_where_the_lock_has_blockers(self, nix: Nix) -> None:
        blocked = package(BLOCKERS)
        found = self.modes(nix, a=("auto", blocked), b=("auto", blocked), c=("auto", package([])))
        assert found["container"] == ["services.x.a", "services.x.b"]
        (warning,) = found["warnings"]
        assert warning.startswith("services.x.a, services.x.b: built in a container")
        assert "\n  node_modules/a: a git dependency that builds itself\n" in warning
        assert warning.endswith("\n  node_modules/b: no commit")
        assert found["assertions"] == []

    def test_canonical_with_blockers_is_an_error_that_lists_them(self, nix: Nix) -> None:
        found = self.modes(nix, a=("canonical", package(BLOCKERS)), b=("canonical", package([])))
        assert found["container"] == []
        (failed,) = found["assertions"]
        assert failed["assertion"] is False
        assert failed["message"].startswith('services.x.a: build is "canonical"')
        assert "node_modules/a: a git dependency that builds itself" in failed["message"]
        assert "node_modules/b: no commit" in failed["message"]

    def test_container_is_one_whatever_the_lock_has(self, nix: Nix) -> None:
        found = self.modes(nix, a=("container", package([])), b=("container", package(BLOCKERS)))
        assert found["container"] == ["services.x.a", "services.x.b"]
        assert found["warnings"] == []
        assert found["assertions"] == []

    def test_a_package_that_no_container_builds_is_an_error(self, nix: Nix) -> None:
        found = self.modes(nix, a=("container", {"version": "1.0.0"}))
        assert found["assertions"][0]["message"].startswith("services.x.a: its package says")

    def test_two_versions_in_one_place_are_an_error(self, nix: Nix) -> None:
        found = self.modes(nix, a=("container", package([])), b=("container", package([], "2.0.0")))
        (failed,) = found["assertions"]
        assert "services.x.a want 1.0.0 and services.x.b want 2.0.0" in failed["message"]


class TestContainerBuildUnit:
    def unit(self, nix: Nix, **changes: Any) -> Any:
        return nix.eval(call("containerBuildUnit", {**BUILD, **changes}))

    def arguments(self, unit: Any) -> list[str]:
        command: str = unit["serviceConfig"]["ExecStart"]
        return shlex.split(command.replace("%%", "%").replace("$$", "$"))

    def test_is_started_by_each_switch_once_the_network_is_there(self, nix: Nix) -> None:
        unit = self.unit(nix)
        assert unit["wantedBy"] == ["multi-user.target"]
        assert unit["wants"] == ["network-online.target"]
        assert "network-online.target" in unit["after"]
        assert unit["serviceConfig"]["Type"] == "oneshot"
        assert "RemainAfterExit" not in unit["serviceConfig"]
        # It restarts them, and waits for that.
        assert not {"before", "requiredBy", "partOf"} & set(unit)

    def test_is_waited_for_where_that_is_wished(self, nix: Nix) -> None:
        assert "multi-user.target" in self.unit(nix)["after"]
        waiting = self.unit(nix, options={**OPTIONS, "wait": True})
        assert waiting["after"] == ["network-online.target"]

    def test_may_take_longer_than_the_build_and_one_before_it(self, nix: Nix) -> None:
        assert self.unit(nix)["serviceConfig"]["TimeoutStartSec"] > 2 * OPTIONS["time_limit"]

    def test_hands_on_what_the_project_and_the_options_say(self, nix: Nix) -> None:
        options = {
            **OPTIONS,
            "cpus": 2,
            "cafile": "/etc/ca.crt",
            "npmrc": "/run/keys/npmrc",
            "keep_previous": True,
            "environment": {"NOTE": '100% "sure" $HOME\\'},
        }
        unit = self.unit(nix, options=options, registry="https://registry.example/")
        program, command, name, source, *rest = self.arguments(unit)
        assert program == "/store/npm2nixlite/bin/npm2nixlite"
        assert (command, name, source) == ("container-build", "mempool-backend", "/store/source")
        assert set(rest) == {
            "--script=/store/backend.sh",
            "--output=backend",
            "--runner=nspawn",
            "--native",
            "--memory=8G",
            "--cpus=2",
            "--time-limit=7200",
            "--settle=10",
            "--state-dir=/etc/mempool",
            "--work-dir=/var/lib/mempool/work",
            "--result-dir=/var/lib/mempool/results",
            "--registry=https://registry.example/",
            "--cafile=/etc/ca.crt",
            "--npmrc=/run/keys/npmrc",
            "--tool=/store/cargo",
            "--tool=/store/git",
            "--visible=/store/logos",
            "--env=MEMPOOL_COMMIT_HASH=abc",
            '--env=NOTE=100% "sure" $HOME\\',
            "--unit=mempool-mainnet.service",
            "--unit=mempool-signet.service",
            "--keep-previous",
        }

    def test_says_nothing_that_the_program_does_not_know(self, nix: Nix, home: Path) -> None:
        options = {**OPTIONS, "cpus": 2, "cafile": "/c", "npmrc": "/n", "keep_previous": True}
        arguments = self.arguments(self.unit(nix, options=options, registry="https://r.example/"))
        # It gets as far as looking for the source, which is not there.
        run = run_program(*arguments[1:], home=home)
        assert run.status == 2
        assert "no such directory" in run.stderr
        assert "/store/source" in run.stderr


class TestInstanceOfAContainersBuild:
    def unit(self, nix: Nix, version: str) -> Any:
        instance = {**BACKEND, "package": {"version": version}, "result": "/results/current"}
        return nix.eval(call("backendUnit", instance))

    def test_is_skipped_until_there_is_a_result(self, nix: Nix) -> None:
        unit = self.unit(nix, "3.3.1")
        assert unit["unitConfig"]["ConditionPathExists"] == "/results/current/dist/index.js"
        assert "unitConfig" not in nix.eval(call("backendUnit", BACKEND))

    def test_runs_from_it_and_needs_no_package(self, nix: Nix) -> None:
        service = self.unit(nix, "3.3.1")["serviceConfig"]
        assert service["ExecStart"] == (
            "/store/node/bin/node $MEMPOOL_NODE_OPTIONS /results/current/dist/index.js"
        )

    def test_of_an_old_release_has_its_config_bound_over_the_results(self, nix: Nix) -> None:
        assert self.unit(nix, "2.4.1")["serviceConfig"]["BindReadOnlyPaths"] == [
            "-/run/mempool-signet/config.json:/results/current/mempool-config.json"
        ]
