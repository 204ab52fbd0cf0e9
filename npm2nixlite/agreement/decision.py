"""The one decision about a lock: whether npm takes it, and what is true of its packages.

It is made once, from the lock, the ``package.json`` files beside it and the project's ``.npmrc``,
and written into the generated file. What depends on the platform, on Node.js and on npm is decided
where the tree is assembled, from what is written there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.agreement.check import check_agreement
from npm2nixlite.agreement.flags import with_true_flags
from npm2nixlite.agreement.locked_tree import locked_tree
from npm2nixlite.agreement.sources import check_allowed, refused_by_npm_12
from npm2nixlite.assemble.hidden_lock import formatting
from npm2nixlite.assemble.load import described_entries, read_lock_json
from npm2nixlite.assemble.package_json import normalize
from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.config.tree_settings import TreeSettings
from npm2nixlite.errors import InputError
from npm2nixlite.lock.model import LocalDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.agreement.check import Agreement
    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.lock.model import Lock

__all__ = ["Decision", "decide", "decide_by_tarballs"]

_ASKED = (
    "name",
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bundleDependencies",
    "acceptDependencies",
    "workspaces",
)
# What npm notes of a directory besides, in ``.package-lock.json``.
_NOTED = (
    "version",
    "funding",
    "engines",
    "os",
    "cpu",
    "libc",
    "license",
    "hasInstallScript",
    "bin",
    "deprecated",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided about a lock.

    Attributes:
        lock: With the flags that npm works out.
        settings: What the project's ``.npmrc`` says.
        recorded: What the generated file records besides packages.
        stale: Names that no package.json asks for any more.
        warnings: What to tell the user.
        agreement: What the comparison with package.json was made with; None where there is none.
    """

    lock: Lock
    settings: TreeSettings = field(default_factory=TreeSettings)
    recorded: Recorded = field(default_factory=Recorded)
    stale: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    agreement: Agreement | None = None


def decide(lock: Lock, settings: TreeSettings, registry: str | None = None) -> Decision:
    """Decide about a lock at its place.

    Args:
        lock: Any lock; of version 1, the flags stay the lock's: see `decide_by_tarballs`.
        settings: What the project's ``.npmrc`` says.
        registry: The registry base, where one is configured.

    Raises:
        InputError: npm would refuse the lock.
    """
    agreement = check_agreement(lock, settings)
    if agreement is None:
        return Decision(lock, settings, Recorded(settings.recorded()))
    _check_links(lock, agreement, settings)
    gone = frozenset(agreement.removed)
    lock = replace(
        lock, entries=tuple(entry for entry in lock.entries if not _below(entry.install_path, gone))
    )
    if lock.version != 1:
        lock = with_true_flags(lock, agreement.tree)
    refused = check_allowed(lock, agreement.tree, agreement.judge, settings.allowed, registry)
    content = read_lock_json(Path(lock.file))
    beside = formatting(Path(lock.file).parent / "package.json")
    return Decision(
        lock=lock,
        settings=settings,
        recorded=Recorded(
            settings=settings.recorded(),
            manifests=_differing(content, agreement),
            removed=agreement.removed,
            layout=() if beside == formatting(Path(lock.file)) else beside,
        ),
        stale=agreement.stale,
        warnings=tuple(refused_by_npm_12(refused)),
        agreement=agreement,
    )


def decide_by_tarballs(decision: Decision, tarballs: Mapping[str, Path]) -> Decision:
    """Work out the flags of a version 1 lock, which does not say what its packages depend on.

    Args:
        decision: As `decide` made it; of another version, or without a package.json, it stays.
        tarballs: Install path → the package's tarball.

    Raises:
        BuildError: A tarball cannot be read.
    """
    agreement = decision.agreement
    if decision.lock.version != 1 or agreement is None:
        return decision
    content = read_lock_json(Path(decision.lock.file))
    tree = locked_tree(
        content,
        agreement.manifests,
        peers=not decision.settings.legacy_peer_deps,
        tarballs={path: str(file) for path, file in tarballs.items()},
    )
    return replace(decision, lock=with_true_flags(decision.lock, tree))


def _below(path: str, gone: frozenset[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in gone)


def _check_links(lock: Lock, agreement: Agreement, settings: TreeSettings) -> None:
    """Refuse what ``install-links`` would pack."""
    if not settings.install_links:
        return
    workspaces = set(agreement.manifests.workspaces.values())
    for package in lock.packages:
        if isinstance(package.source, LocalDirectory) and package.source.path not in workspaces:
            raise InputError(
                "install-links=true in .npmrc packs and installs local directories, which is not "
                "supported",
                where=(lock.file, package.install_path),
                hint="take it out, and make the lock anew: npm links them then",
            )


def _differing(content: Json, agreement: Agreement) -> dict[str, str]:
    """What the package.json files say, where the lock says otherwise."""
    found: dict[str, str] = {}
    packages = content.get("packages")
    root = packages.get("") if isinstance(packages, dict) else None
    said = _fields(agreement.manifests.root, _ASKED)
    if not isinstance(root, dict) or said != _fields(normalize(root), _ASKED):
        found[""] = _text(said)
    described = described_entries(content, {})
    for directory, package in agreement.manifests.directories.items():
        if directory not in described:
            continue
        said = _fields(_with_script(package), (*_ASKED, *_NOTED))
        if said != _fields(described[directory][1], (*_ASKED, *_NOTED)):
            found[directory] = _text(said)
    return found


def _with_script(package: Json) -> Json:
    scripts = package.get("scripts")
    names = ("preinstall", "install", "postinstall")
    if isinstance(scripts, dict) and any(scripts.get(name) for name in names):
        return {**package, "hasInstallScript": True}
    return package


def _fields(package: Mapping[str, object], names: tuple[str, ...]) -> Json:
    return {name: package[name] for name in names if package.get(name)}


def _text(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair can stand in no file, but escaped.
    return text if text.isprintable() else json.dumps(value, separators=(",", ":"))
