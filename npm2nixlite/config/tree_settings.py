"""What a project's ``.npmrc`` says about the tree that npm installs.

Only the project's own file counts: what a machine or a user sets besides must not change a
generated file. ``docs/npmrc.md`` has every setting, and what becomes of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.config.npmrc import read_npmrc
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.config.npmrc import Npmrc

__all__ = ["ALLOWED_SOURCES", "TreeSettings", "project_settings", "tree_settings"]

ALLOWED_SOURCES = ("git", "remote", "file", "directory")
"""What ``allow-git`` and its like are about."""

_GROUPS = ("dev", "optional", "peer")
_FLAGS = ("legacy-peer-deps", "strict-peer-deps", "engine-strict", "install-links")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """The settings that change the tree, or what is accepted.

    Attributes:
        legacy_peer_deps: Peer dependencies do not count.
        strict_peer_deps: Every conflict of peers is an error.
        engine_strict: A package that is not for the Node.js or npm in use is an error.
        install_links: Local directories are packed and installed, not linked.
        bin_links: Commands are linked into ``.bin``.
        omit: Groups that are left out, ``include`` taken off.
        platform: ``os``, ``cpu``, ``libc``, as far as they are set.
        allowed: Kind of source → ``all``, ``root`` or ``none``, as far as they are set.
    """

    legacy_peer_deps: bool = False
    strict_peer_deps: bool = False
    engine_strict: bool = False
    install_links: bool = False
    bin_links: bool = True
    omit: tuple[str, ...] = ()
    platform: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, str] = field(default_factory=dict)

    def recorded(self) -> dict[str, str]:
        """What the generated file keeps: by npm's names, without what is as it is by default."""
        found = dict(self.platform)
        if not self.bin_links:
            found["bin-links"] = "false"
        if self.engine_strict:
            found["engine-strict"] = "true"
        if self.legacy_peer_deps:
            found["legacy-peer-deps"] = "true"
        if self.omit:
            found["omit"] = " ".join(self.omit)
        return dict(sorted(found.items()))


def project_settings(directory: Path) -> TreeSettings:
    """Those of the project in a directory.

    Raises:
        InputError: Its ``.npmrc`` cannot be read, or see `tree_settings`.
    """
    file = directory / ".npmrc"
    return tree_settings(read_npmrc(file, os.environ), str(file))


def tree_settings(npmrc: Npmrc, file: str) -> TreeSettings:
    """Read them.

    Args:
        npmrc: The project's own ``.npmrc``.
        file: Its path, for messages.

    Raises:
        InputError: A setting asks for a tree that this program does not make.
    """
    flags = {key: _flag(npmrc[key]) for key in _FLAGS if key in npmrc}
    _refuse_others(npmrc, file)
    return TreeSettings(
        legacy_peer_deps=flags.get("legacy-peer-deps", False),
        strict_peer_deps=flags.get("strict-peer-deps", False),
        engine_strict=flags.get("engine-strict", False),
        install_links=flags.get("install-links", False),
        bin_links=_flag(npmrc.get("bin-links", "true")),
        omit=_omitted(npmrc),
        platform={key: npmrc[key] for key in ("os", "cpu", "libc") if npmrc.get(key)},
        allowed={
            kind: npmrc[f"allow-{kind}"]
            for kind in ALLOWED_SOURCES
            if npmrc.get(f"allow-{kind}") in {"all", "root", "none"}
        },
    )


def _flag(text: str) -> bool:
    """A true-or-false setting, as npm's nopt reads it."""
    try:
        return float(text or "0") != 0
    except ValueError:
        return text not in {"null", "false"}


def _values(npmrc: Npmrc, key: str, known: tuple[str, ...]) -> list[str]:
    return [value for value in npmrc.get(key, "").splitlines() if value in known]


def _omitted(npmrc: Npmrc) -> tuple[str, ...]:
    """The groups left out: ``omit``, its older spellings, less ``include``."""
    omit = _values(npmrc, "omit", _GROUPS)
    include = _values(npmrc, "include", ("prod", *_GROUPS))
    production = npmrc.get("production", "null")
    if npmrc.get("only") in {"prod", "production"} or (production != "null" and _flag(production)):
        omit.append("dev")
    elif production != "null":
        include.append("dev")
    if npmrc.get("also") in {"dev", "development"} or _flag(npmrc.get("dev", "false")):
        include.append("dev")
    optional = npmrc.get("optional", "null")
    if optional != "null":
        (include if _flag(optional) else omit).append("optional")
    return tuple(group for group in _GROUPS if group in omit and group not in include)


def _refuse_others(npmrc: Npmrc, file: str) -> None:
    if npmrc.get("install-strategy") == "linked":
        raise InputError(
            "install-strategy=linked makes a node_modules of links into a store of npm's own, "
            "which is not supported",
            where=file,
            hint="take it out; hoisted, nested and shallow install a lock as it is",
        )
    umask = npmrc.get("umask", "0")
    try:
        number = int(umask, 8)
    except ValueError:
        number = 0
    if number & 0o100:
        raise InputError(
            f"umask={umask} takes from the owner what a file in the Nix store keeps: that it can "
            "be executed",
            where=file,
            hint="take it out; any other umask is the same in the store, which has modes of "
            "its own",
        )
    for key in ("force", "global"):
        if _flag(npmrc.get(key, "false")):
            raise InputError(
                f"{key}=true in .npmrc is not supported: npm ci would "
                + ("install what does not fit together" if key == "force" else "refuse it"),
                where=file,
                hint="take it out",
            )
    if npmrc.get("workspace") or not _flag(npmrc.get("workspaces", "true")):
        raise InputError(
            "workspaces and workspace in .npmrc choose which workspaces npm ci installs, which is "
            "not supported",
            where=file,
            hint="take them out; the whole lock is translated",
        )
