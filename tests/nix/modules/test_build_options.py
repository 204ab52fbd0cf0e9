"""What whole configurations make of `build`, with nixpkgs' module system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.nix.modules.test_modules import NIXPKGS_LIB, ROOT, system
from tests.support.projects import run_program, write_lock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib"),
]

# A release, built from files of this lock's: a git dependency whose commit nobody knows.
BLOCKED = """
  { config, pkgs, ... }: {
    services.mempool.packages = (import ROOT/nix/mempool {
      inherit pkgs;
      registry = "https://registry.example/";
      releases."3.3.1" = (import ROOT/nix/mempool/releases.nix)."3.3.1" // {
        backendPackages = FILE;
        frontendPackages = FILE;
      };
    }).latest;
  }
"""


@pytest.fixture
def blocked(tmp_path: Path, home: Path) -> str:
    """A module that lets mempool's packages have a blocker."""
    address = "git+ssh://git@forge.example/o/thing.git"
    write_lock(
        tmp_path / "thing", {"node_modules/thing": {"version": "1.0.0", "resolved": address}}
    )
    manifest = {"name": "project", "version": "1.0.0", "dependencies": {"thing": address}}
    (tmp_path / "thing/package.json").write_text(json.dumps(manifest))
    file = tmp_path / "thing/node-packages.nix"
    run = run_program(
        *("generate", tmp_path / "thing", "--registry", "https://registry.example/"), home=home
    )
    assert run.status == 0, run.stderr
    return BLOCKED.replace("ROOT", str(ROOT)).replace("FILE", str(file))


def test_what_is_canonical_is_built_by_nix_alone(nix: Nix) -> None:
    found = system(
        nix,
        "{ services.mempool.mainnet.enable = true; }",
        "{ inherit (s.config) warnings; inherit (s.config.systemd) slices;"
        " services = builtins.attrNames s.config.systemd.services; }",
    )
    assert found["warnings"] == []
    assert found["slices"] == {}
    assert not [name for name in found["services"] if name.endswith("-build")]


def test_auto_warns_of_blockers_and_builds_in_containers(nix: Nix, blocked: str) -> None:
    found = system(
        nix,
        f"{{ imports = [ ({blocked}) ]; services.mempool.mainnet.enable = true;"
        " services.mempool.signet.enable = true; }",
        "{ inherit (s) failed; inherit (s.config) warnings;"
        " inherit (s.config.systemd) services;"
        ' root = s.config.services.nginx.virtualHosts.mempool.locations."/".extraConfig; }',
    )
    assert found["failed"] == []
    assert len(found["warnings"]) == 2
    for option in (
        "mempool-backend.mainnet, services.mempool-backend.signet",
        "mempool-frontend",
    ):
        (warning,) = [one for one in found["warnings"] if f"services.{option}: " in one]
        assert "\n  node_modules/thing: " in warning
    build = found["services"]["mempool-backend-build"]["serviceConfig"]["ExecStart"]
    assert '"--unit=mempool-mainnet.service" "--unit=mempool-signet.service"' in build
    assert "--unit" not in found["services"]["mempool-frontend-build"]["serviceConfig"]["ExecStart"]
    unit = found["services"]["mempool-mainnet"]
    current = "/var/lib/mempool/results/mempool-backend/current"
    assert unit["unitConfig"]["ConditionPathExists"] == f"{current}/dist/index.js"
    assert "root /var/lib/mempool/results/mempool-frontend/current;" in found["root"]


def test_canonical_with_blockers_is_an_error_that_lists_them(nix: Nix, blocked: str) -> None:
    failed = system(
        nix,
        f'{{ imports = [ ({blocked}) ]; services.mempool.build = "canonical";'
        " services.mempool.mainnet.enable = true; }",
        "s.failed",
    )
    assert len(failed) == 2
    assert all('build is "canonical"' in message for message in failed)
    assert all("node_modules/thing: " in message for message in failed)


def test_an_instance_may_differ_from_the_others(nix: Nix) -> None:
    found = system(
        nix,
        """{
          services.mempool = { mainnet.enable = true; signet.enable = true; };
          services.mempool.build = "container";
          services.mempool-backend.mainnet.build = "canonical";
        }""",
        "{ inherit (s) failed; inherit (s.config) warnings; inherit (s.config.systemd) services; }",
    )
    assert found["failed"] == found["warnings"] == []
    services = found["services"]
    assert services["mempool-mainnet"]["serviceConfig"]["ExecStart"].endswith(
        "/bin/mempool-backend"
    )
    assert "results" in services["mempool-signet"]["serviceConfig"]["ExecStart"]
    build = services["mempool-backend-build"]["serviceConfig"]["ExecStart"]
    assert build.count("--unit") == 1


def test_options_reach_the_units(nix: Nix) -> None:
    found = system(
        nix,
        """{
          services.mempool = {
            mainnet.enable = true;
            build = "container";
            registry = "https://mirror.example/";
            container_build = {
              runner = "bwrap";
              memory = "3G";
              cpus = 2;
              time_limit = 60;
              wait = true;
              network.allow = [ "127.0.0.1" ];
              result_dir = "/big/results";
            };
          };
        }""",
        "{ inherit (s.config.systemd) services slices; }",
    )
    unit = found["services"]["mempool-frontend-build"]
    command = unit["serviceConfig"]["ExecStart"]
    for option in (
        "--runner=bwrap",
        "--memory=3G",
        "--cpus=2",
        "--time-limit=60",
        "--registry=https://mirror.example/",
        "--result-dir=/big/results",
    ):
        assert f'"{option}"' in command
    assert any("bubblewrap" in package for package in unit["path"])
    assert unit["after"] == ["network-online.target"]
    assert unit["serviceConfig"]["TimeoutStartSec"] == 720
    config = found["slices"]["mempool-build"]["sliceConfig"]
    assert config["IPAddressAllow"] == ["127.0.0.1"]
    assert config["IPAddressDeny"] == ["link-local", "localhost", "multicast"]
    result = found["services"]["mempool-mainnet"]["serviceConfig"]["ExecStart"]
    assert "/big/results/mempool-backend/current" in result


def test_what_a_container_builds_nix_does_not(nix: Nix) -> None:
    found = system(
        nix,
        '{ services.mempool = { mainnet.enable = true; build = "container"; }; }',
        "{ inherit (s.config.systemd) services; inherit (s.config.services) nginx;"
        " packages = map toString (builtins.attrValues s.config.services.mempool.packages); }",
    )
    text = json.dumps([found["services"], found["nginx"]])
    assert "/store/" in text
    assert not [package for package in found["packages"] if package in text]
