"""Running packages' lifecycle scripts as npm does: its shell, its directory, its environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import Json, text_map
from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["ScriptedPackage", "lifecycle"]

_NODE_GYP = "lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js"


@dataclass(frozen=True, slots=True)
class ScriptedPackage:
    """A package on disk that may have scripts.

    Attributes:
        location: What to call it in messages, its install path.
        directory: Where it is.
        manifest: Its package.json.
    """

    location: str
    directory: Path
    manifest: Json

    def scripts(self) -> dict[str, str]:
        """Event → script; with a ``binding.gyp`` and no script for it, ``node-gyp rebuild``."""
        scripts = text_map(self.manifest.get("scripts"))
        gyp = (self.directory / "binding.gyp").exists() and self.manifest.get(
            "gypfile"
        ) is not False
        if gyp and not {"install", "preinstall"} & scripts.keys():
            scripts["install"] = "node-gyp rebuild"
        return scripts


@contextmanager
def lifecycle(root: Path, command: str) -> Iterator[Callable[[ScriptedPackage, str], None]]:
    """What runs a package's script for an event, and does nothing where it has none.

    Args:
        root: The project; commands of the ``node_modules`` from there down are found.
        command: The npm command to speak for, ``ci`` or ``install``.

    Raises:
        BuildError: There is no Node.js; and in use, where a script fails.
    """
    node = shutil.which("node")
    if node is None:
        raise BuildError("scripts need Node.js, and there is none on PATH")
    with tempfile.TemporaryDirectory() as tools:
        common = _environment(Path(node), Path(tools), root) | {"npm_command": command}

        def run(package: ScriptedPackage, event: str) -> None:
            script = package.scripts().get(event)
            if script:
                _run(package, event, script, common, root)

        yield run


def _environment(node: Path, tools: Path, root: Path) -> dict[str, str]:
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
        "npm_config_offline": "true",
        "npm_node_execpath": str(node),
        "NODE": str(node),
        "INIT_CWD": str(root),
        "PATH": os.pathsep.join([str(tools), environment.get("PATH", os.defpath)]),
    }
    return environment


def _run(
    package: ScriptedPackage, event: str, script: str, common: Mapping[str, str], root: Path
) -> None:
    paths = [str(folder / "node_modules/.bin") for folder in _upwards(package.directory, root)]
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


def _upwards(directory: Path, root: Path) -> list[Path]:
    return [directory, *(folder for folder in directory.parents if folder.is_relative_to(root))]
