"""What the Nix library hands to the assembler: evaluated by the Nix that is installed."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.assemble.manifest import FromNowhere, ManifestEntry, parse_manifest
from npm2nixlite.errors import BuildError
from npm2nixlite.nix.library import library_directory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from npm2nixlite.assemble.manifest import Manifest

__all__ = ["as_nix_hands_over", "has_nix"]

_COMMAND = "nix-instantiate"


def has_nix() -> bool:
    """Whether Nix is installed."""
    return shutil.which(_COMMAND) is not None


def as_nix_hands_over(
    manifest: Manifest, packages: Path, registry: str, omit: Iterable[str] | None
) -> Manifest:
    """The manifest of the documented call: with the lock, and without package.json.

    Nothing is fetched or built: where the library hands over a tarball or a directory, it is the
    one of ``manifest``; where it hands over nothing, nothing is there.

    Args:
        manifest: With the files of everything that the lock has.
        packages: The generated file.
        registry: The registry base.
        omit: Groups to leave out; None for those of the project's ``.npmrc``.

    Raises:
        BuildError: The library does not evaluate.
    """
    assert manifest.lock is not None  # noqa: S101 (verify has always one)
    arguments = {
        "lock": str(manifest.lock),
        "npm": manifest.platform.npm,
        "node": manifest.platform.node,
        "system": f"{platform.machine()}-{platform.system().lower()}",
        "isMusl": manifest.platform.libc == "musl",
        "registry": registry,
        "omit": None if omit is None else sorted(omit),
    }
    if "packages" not in json.loads(manifest.lock.read_bytes().decode("utf-8-sig")):
        # a lock of version 1 does not say what the project depends on
        arguments["packageJson"] = str(manifest.package_json)
    text = json.dumps(json.dumps(arguments)).replace("${", "\\${")
    expression = (
        f"import {library_directory() / 'lib' / 'handed-over.nix'} "
        f"(builtins.fromJSON {text} // {{ packages = {packages}; }})"
    )
    done = subprocess.run(
        [_COMMAND, "--store", "dummy://", "--eval", "--strict", "--json", "--expr", expression],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise BuildError(f"the Nix library does not evaluate: {done.stderr.strip()[-800:]}")
    handed = parse_manifest(json.loads(json.loads(done.stdout)))
    return replace(
        handed,
        lock=manifest.lock,
        package_json=None if "packageJson" not in arguments else manifest.package_json,
        packages={
            path: ManifestEntry(
                entry.origin if isinstance(entry.origin, FromNowhere) else manifest.origin(path),
                entry.fields,
            )
            for path, entry in handed.packages.items()
        },
    )
