"""Which packages a platform gets, and building on one for another."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.archives import Member, package
from tests.support.nix import HOST_TOOLS
from tests.support.npm import ask_npm
from tests.support.projects import ROOT, run_program
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = [pytest.mark.nix, pytest.mark.npm]

PLATFORMS = {
    "x86_64-linux": ("linux", "x64", "glibc"),
    "aarch64-linux": ("linux", "arm64", "glibc"),
    "x86_64-linux, musl": ("linux", "x64", "musl"),
    "x86_64-darwin": ("darwin", "x64", None),
    "aarch64-darwin": ("darwin", "arm64", None),
}
"""A platform of nixpkgs → os, cpu and libc in npm's words."""

CHECK = """
const { checkPlatform } = MODULES["npm-install-checks"];
const [packages, platforms] = data;
const fits = (entry, [os, cpu, libc]) => {
  try { checkPlatform(entry, false, { os, cpu, libc }); return true } catch { return false }
};
const chosen = (platform) => Object.keys(packages).filter((path) => fits(packages[path], platform));
console.log(JSON.stringify(platforms.map(chosen)));
"""
"""npm's own judgement; npm leaves libc undefined where there is none."""


def as_npm_judges(packages: dict[str, Any]) -> dict[str, set[str]]:
    """Platform → the install paths that npm finds fit for it."""
    chosen = ask_npm(CHECK, [packages, list(PLATFORMS.values())], "npm-install-checks")
    return dict(zip(PLATFORMS, map(set, chosen), strict=True))


@pytest.mark.parametrize("fixture", ["explorer-frontend", "platform-optional"])
def test_each_platform_has_the_optional_packages_that_npm_gives_it(
    tmp_path: Path, nix: Nix, fixture: str
) -> None:
    lock = json.loads((ROOT / "fixtures" / fixture / "package-lock.json").read_text())["packages"]
    fields = ("os", "cpu", "libc", "optional")
    optional = {
        path: {name: entry[name] for name in fields if name in entry}
        for path, entry in lock.items()
        if entry.get("optional") and ({"os", "cpu", "libc"} & set(entry))
    }
    assert optional
    packages = {
        path: {**entry, "version": "1.0.0", "src": f"/tarballs/{number}"}
        for number, (path, entry) in enumerate(optional.items())
    }
    (tmp_path / "packages.json").write_text(
        json.dumps({"format": 1, "name": "p", "version": None, "packages": packages})
    )
    systems = [
        {"system": name.split(",")[0], "isMusl": name.endswith("musl")} for name in PLATFORMS
    ]
    found = nix.eval(
        f"""let
          pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
          packages = builtins.fromJSON (builtins.readFile {tmp_path}/packages.json);
          on = hostPlatform:
            let
              npm = import {ROOT}/nix {{
                pkgs = pkgs // {{
                  stdenv = pkgs.stdenv // {{ inherit hostPlatform; buildPlatform = hostPlatform; }};
                }};
              }};
              inherit (npm.mkNodeModules {{ inherit packages; }}) manifest;
            in builtins.filter (path: manifest.packages.${{path}} ? tarball)
              (builtins.attrNames manifest.packages);
        in map on (builtins.fromJSON ''{json.dumps(systems)}'')"""
    )
    expected = as_npm_judges(optional)
    for platform, paths in zip(PLATFORMS, found, strict=True):
        assert set(paths) == expected[platform], platform
    # They differ, or this would show nothing.
    assert len({frozenset(paths) for paths in expected.values()}) >= 4


class Project:
    """A project whose tool, as many are, is one package for each platform and one that picks."""

    def __init__(self, directory: Path, home: Path, registry: Registry) -> None:
        self.directory, self.registry = directory, registry
        source = directory / "source"
        source.mkdir(parents=True)
        pick = (
            b"#!/usr/bin/env node\n"
            b"console.log(require(`tool-${process.platform}-${process.arch}`), "
            b"process.env.npm_config_arch)\n"
        )
        entries = {
            "tool": package("tool", Member("package/cli.js", pick)),
            "tool-linux-x64": package(
                "tool-linux-x64", Member("package/index.js", b"module.exports = 'x64'")
            ),
            "tool-linux-arm64": package(
                "tool-linux-arm64", Member("package/index.js", b"module.exports = 'arm64'")
            ),
            "native": package("native", scripts={"install": "echo $npm_config_arch > for"}),
        }
        fields: dict[str, dict[str, Any]] = {
            "tool": {
                "bin": {"tool": "cli.js"},
                "optionalDependencies": {"tool-linux-x64": "*", "tool-linux-arm64": "*"},
            },
            "tool-linux-x64": {"optional": True, "os": ["linux"], "cpu": ["x64"]},
            "tool-linux-arm64": {"optional": True, "os": ["linux"], "cpu": ["arm64"]},
            "native": {"hasInstallScript": True},
        }
        root = {"name": "project", "version": "1.0.0", "dependencies": {"tool": "*", "native": "*"}}
        packages: dict[str, Any] = {"": root}
        for name, data in entries.items():
            registry.answers[f"/{name}/-/{name}-1.0.0.tgz"] = Answer(body=data)
            packages[f"node_modules/{name}"] = {
                "version": "1.0.0",
                "integrity": sri(data),
                **fields[name],
            }
        lock = {"name": "project", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
        (source / "package-lock.json").write_text(json.dumps(lock))
        manifest = {**root, "files": ["built"], "scripts": {"build": "tool > built"}}
        (source / "package.json").write_text(json.dumps(manifest))
        run = run_program("generate", source, "--registry", registry.base, home=home)
        assert run.status == 0, run.stderr


def test_what_builds_is_of_the_one_platform_and_what_is_installed_of_the_other(
    tmp_path: Path, home: Path, nix: Nix, registry: Registry
) -> None:
    project = Project(tmp_path / "project", home, registry)
    source = project.directory / "source"
    # A toolchain that says it is for aarch64; what it compiles is not looked at here.
    expression = f"""
      let
        here = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
        pkgs = here // {{
          buildPackages = here // {{ stdenv = here.stdenv // {{ inherit buildPlatform; }}; }};
          stdenv = here.stdenv // {{
            inherit buildPlatform; hostPlatform.system = "aarch64-linux";
          }};
        }};
        buildPlatform.system = "x86_64-linux";
      in (import {ROOT}/nix {{ inherit pkgs; registry = "{registry.base}"; }}).buildNpmProject {{
        pname = "project"; version = "1.0.0"; src = {source};
        packages = {source}/node-packages.nix; lock = {source}/package-lock.json;
        allowScripts = [ "native" ];
      }}"""
    arch = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout
    if arch.strip() != "x86_64":
        pytest.skip("this machine is the other platform")
    done = nix.run("nix-build", *HOST_TOOLS, "--no-out-link", "--expr", expression)
    from pathlib import Path

    installed = Path(done.stdout.strip()) / "lib/node_modules/project"
    modules = installed / "node_modules"
    # The tool that ran was this machine's, and knew what it built for.
    assert (installed / "built").read_text() == "x64 arm64\n"
    assert {path.name for path in modules.iterdir() if path.name.startswith("tool-")} == {
        "tool-linux-arm64"
    }
    assert (modules / "native/for").read_text() == "arm64\n"
