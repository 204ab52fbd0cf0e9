"""Install scripts, of the packages that are named and of no other.

The order and the environment are npm's: all ``preinstall`` scripts first, then ``install`` and
``postinstall``, the shallow packages before the deep ones; with a ``binding.gyp`` and no script for
it, ``node-gyp rebuild``. Run as ``python3 -m npm2nixlite.assemble.scripts MANIFEST.json OUT``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.collation import collation_key
from npm2nixlite.assemble.lifecycle import ScriptedPackage, lifecycle
from npm2nixlite.assemble.manifest import read_manifest
from npm2nixlite.assemble.package_json import read_package_json
from npm2nixlite.errors import Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["INSTALL_EVENTS", "run_scripts"]

INSTALL_EVENTS = ("preinstall", "install", "postinstall")
"""What npm runs of a package it installs, in this order."""


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
            packages.append(ScriptedPackage(location, out / location, manifest))
    if not packages:
        return
    with lifecycle(out, "ci") as run:
        for event in INSTALL_EVENTS:
            for package in packages:
                run(package, event)


def _order(location: str) -> tuple[int, tuple[str, str, str]]:
    return location.count("node_modules/"), collation_key(location)


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
