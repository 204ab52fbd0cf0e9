"""Install scripts, of the packages that are named and of no other.

The order and the environment are npm's: all ``preinstall`` scripts first, then ``install`` and
``postinstall``, the shallow packages before the deep ones; with a ``binding.gyp`` and no script for
it, ``node-gyp rebuild``. Run as ``python3 -m npm2nixlite.assemble.scripts MANIFEST.json OUT``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.collation import collation_key
from npm2nixlite.assemble.manifest import read_manifest
from npm2nixlite.assemble.package_json import Json, read_package_json, text_map
from npm2nixlite.errors import BuildError, Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["run_scripts"]

_EVENTS = ("preinstall", "install", "postinstall")
_NODE_GYP = "lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js"


@dataclass(frozen=True, slots=True)
class _Package:
    location: str
    directory: Path
    manifest: Json

    def scripts(self) -> dict[str, str]:
        scripts = text_map(self.manifest.get("scripts"))
        gyp = (self.directory / "binding.gyp").exists() and self.manifest.get(
            "gypfile"
        ) is not False
        if gyp and not {"install", "preinstall"} & scripts.keys():
            scripts["install"] = "node-gyp rebuild"
        return scripts


def run_scripts(out: Path, locations: Iterable[str]) -> None:
    """Run the install scripts of packages in an assembled tree.

    Args:
        out: What `npm2nixlite.assemble.assemble` filled.
        locations: Install paths; those that were left out are passed over.

    Raises:
        BuildError: There is no Node.js, or a script fails.
    """
    packages = []
    for location in sorted(set(locations), key=_order):
        manifest = read_package_json(out / location)
        if manifest is not None:
            packages.append(_Package(location, out / location, manifest))
    if not packages:
        return
    node = shutil.which("node")
    if node is None:
        raise BuildError("install scripts need Node.js, and there is none on PATH")
    with tempfile.TemporaryDirectory() as tools:
        common = _environment(Path(node), Path(tools), out)
        for event in _EVENTS:
            for package in packages:
                script = package.scripts().get(event)
                if script:
                    _run(package, event, script, common, out)


def _order(location: str) -> tuple[int, tuple[str, str, str]]:
    return location.count("node_modules/"), collation_key(location)


def _environment(node: Path, tools: Path, out: Path) -> dict[str, str]:
    environment = dict(os.environ)
    prefix = node.resolve().parent.parent
    gyp = Path(environment.get("npm_config_node_gyp") or prefix / _NODE_GYP)
    if gyp.is_file():
        command = tools / "node-gyp"
        command.write_text(f'#!/bin/sh\nexec "{node}" "{gyp}" "$@"\n')
        command.chmod(0o755)
        environment["npm_config_node_gyp"] = str(gyp)
    environment.setdefault("npm_config_nodedir", str(prefix))
    environment |= {
        "npm_command": "ci",
        "npm_config_offline": "true",
        "npm_node_execpath": str(node),
        "NODE": str(node),
        "INIT_CWD": str(out),
        "PATH": os.pathsep.join([str(tools), environment.get("PATH", os.defpath)]),
    }
    return environment


def _run(package: _Package, event: str, script: str, common: Mapping[str, str], out: Path) -> None:
    paths = [str(folder / "node_modules/.bin") for folder in _upwards(package.directory, out)]
    environment = {
        **common,
        "npm_lifecycle_event": event,
        "npm_lifecycle_script": script,
        "npm_package_json": str(package.directory / "package.json"),
        "npm_package_name": str(package.manifest.get("name", "")),
        "npm_package_version": str(package.manifest.get("version", "")),
        "PATH": os.pathsep.join([*paths, common["PATH"]]),
    }
    sys.stdout.write(f"{package.location}: {event}: {script}\n")
    sys.stdout.flush()
    status = subprocess.run(
        ["sh", "-c", script],
        cwd=package.directory,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
    ).returncode
    if status:
        raise BuildError(
            f"its {event} script fails with status {status}: {script}",
            where=package.location,
            hint="see its output above; a script that wants the network cannot run in a sandbox",
        )


def _upwards(directory: Path, out: Path) -> list[Path]:
    return [directory, *(folder for folder in directory.parents if folder.is_relative_to(out))]


def main(arguments: list[str]) -> int:
    """Run the scripts a manifest allows; the exit status is 0, or that of the error."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python3 -m npm2nixlite.assemble.scripts MANIFEST.json OUT\n")
        return 2
    try:
        run_scripts(Path(arguments[1]).absolute(), read_manifest(Path(arguments[0])).scripts)
    except Npm2nixliteError as error:
        sys.stderr.write(f"npm2nixlite: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
