"""A package's directory as npm's ``npm-packlist`` walks it, with the rules that hold there.

Rules come from five places, later ones win: npm's defaults, package.json's ``files`` (or else
``.npmignore``, or else ``.gitignore``), and what is in or out whatever these say. Every directory
has the first and last of them anew, and may have ignore files of its own.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from npm2nixlite.pack.glob import IgnoreRule, parse_rules
from npm2nixlite.pack.workspaces import workspace_directories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["IGNORE_FILES", "Directory", "bins_of", "package_directory"]

IGNORE_FILES = (".npmignore", ".gitignore")
"""What says which files are not packed, where ``files`` in package.json does not."""

_DEFAULTS = parse_rules(
    "\n".join(
        [
            *(".npmignore", ".gitignore"),
            *(f"**/{name}" for name in (".git", ".svn", ".hg", "CVS")),
            *(f"**/{name}/**" for name in (".git", ".svn", ".hg", "CVS")),
            *("/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log"),
            *("**/.npmrc", ".*.swp", ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**"),
            *("*.orig", "/archived-packages/**"),
        ]
    )
)
_NEVER = ("/.git",)
_ALWAYS_IN_A_PACKAGE = (
    "!/package.json",
    "!/readme{,.*[^~$]}",
    "!/copying{,.*[^~$]}",
    "!/license{,.*[^~$]}",
    "!/licence{,.*[^~$]}",
)
_NEVER_IN_A_PACKAGE = (
    *("/.git", "/node_modules", ".npmrc", "/package-lock.json", "/yarn.lock"),
    *("/pnpm-lock.yaml", "/bun.lockb"),
)


def package_directory(
    place: Path,
    package: Mapping[str, Any],
    *,
    bundled: bool = False,
    ignore_files: tuple[str, ...] = IGNORE_FILES,
) -> Directory:
    """A package's root directory.

    Args:
        place: Where it is.
        package: Its package.json.
        bundled: Whether it is packed inside another package. Then it was packed once before: what
            is left out by default, or by its ignore files, was left out then.
        ignore_files: The names of the files that say what is not packed, the first there is wins.
    """
    listed, strict, required = _package_rules(package, place, bins_of(package))
    root = Directory(
        place,
        "",
        required=required,
        defaults=() if bundled else _DEFAULTS,
        listed=listed,
        strict=strict,
        reads_package_json=not bundled
        and bool(workspace_directories(place, package.get("workspaces"))),
        ignore_files=ignore_files,
    )
    if not bundled:
        root.read_ignore_files()
    return root


def bins_of(package: Mapping[str, Any]) -> frozenset[str]:
    """The files that a package.json gives commands for."""
    value = package.get("bin")
    paths = value.values() if isinstance(value, dict) else [value]
    return frozenset(
        normpath("/" + path.replace("\\", "/").lstrip("/")).lstrip("/")
        for path in paths
        if isinstance(path, str) and path
    )


@dataclass
class Directory:
    """A directory on the way, with the rules that hold in it and below."""

    place: Path
    path: str
    parent: Directory | None = None
    exact: bool = False
    required: tuple[str, ...] = ()
    defaults: tuple[IgnoreRule, ...] = _DEFAULTS
    listed: tuple[IgnoreRule, ...] | None = None
    strict: tuple[IgnoreRule, ...] = ()
    reads_package_json: bool = False
    ignore_files: tuple[str, ...] = IGNORE_FILES
    ignored: tuple[IgnoreRule, ...] = field(default=(), init=False)

    @property
    def name(self) -> str:
        """Its path's last part; empty for the package's root."""
        return self.path.rpartition("/")[2]

    def read_ignore_files(self) -> None:
        """Take the first there is of ``files``, ``.npmignore`` and ``.gitignore``."""
        if self.listed is not None:
            return
        if self.parent is not None and self.reads_package_json:
            # npm reads a package.json below a project with workspaces as if it were an ignore file.
            text = self._text("package.json")
            if text is not None:
                self.ignored = parse_rules(text)
                return
        for name in self.ignore_files:
            text = self._text(name)
            if text is not None:
                self.ignored = parse_rules(text)
                return

    def packed(self) -> Iterator[tuple[str, bool]]:
        """Path and executable bit of all that is packed here and below."""
        with os.scandir(self.place) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            name = entry.name
            as_file, as_directory = self.takes(name), self.takes(name, partly=True)
            if not (as_file or as_directory) or "*" in name:
                continue
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and as_file:
                yield self._below(name), bool(status.st_mode & 0o100)
            elif stat.S_ISDIR(status.st_mode) and as_directory:
                yield from self._child(name, exact=as_file or self.takes(f"{name}/")).packed()

    def takes(self, entry: str, *, partly: bool = False, name: str | None = None) -> bool:
        """Whether something here or below is packed.

        Args:
            entry: Relative to this directory.
            partly: Whether something below it, were it a directory, could be.
            name: Its last part, where ``entry`` has more than one.
        """
        included = True
        if self.parent is not None:
            included = self.parent.takes(f"{self.name}/{entry}", partly=partly, name=name or entry)
            if not included and not self.exact:
                return False
        for rules in (self.defaults, self.listed or (), self.ignored, self.strict):
            for rule in rules:
                if rule.negated != included and _applies(rule, entry, name, partly):
                    included = rule.negated
        return included

    def _child(self, name: str, *, exact: bool) -> Directory:
        required = tuple(
            path.removeprefix(f"{name}/") for path in self.required if _directly_in(path, name)
        )
        child = Directory(
            self.place / name,
            self._below(name),
            self,
            exact,
            required,
            strict=parse_rules("\n".join((*_NEVER, *(f"!{path}" for path in required)))),
            reads_package_json=self.reads_package_json,
            ignore_files=self.ignore_files,
        )
        child.read_ignore_files()
        return child

    def _below(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def _text(self, name: str) -> str | None:
        try:
            return (self.place / name).read_text("utf-8", "replace")
        except (FileNotFoundError, IsADirectoryError):
            return None


def _applies(rule: IgnoreRule, entry: str, name: str | None, partly: bool) -> bool:
    if rule.matches(f"/{entry}") or rule.matches(entry):
        return True
    if not partly:
        return False
    return _could_apply(rule, entry) or (
        name is not None and rule.relative and _could_apply(rule, name)
    )


def _could_apply(rule: IgnoreRule, entry: str) -> bool:
    return (
        rule.matches(f"/{entry}/")
        or rule.matches(f"{entry}/")
        or (
            rule.negated
            and (rule.matches(f"/{entry}", partly=True) or rule.matches(entry, partly=True))
        )
    )


def _directly_in(path: str, name: str) -> bool:
    head, slash, tail = normpath(path).partition("/")
    return bool(slash) and head == name and "/" not in tail


def _package_rules(
    package: Mapping[str, Any], directory: Path, bins: Iterable[str]
) -> tuple[tuple[IgnoreRule, ...] | None, tuple[IgnoreRule, ...], tuple[str, ...]]:
    """From package.json: what ``files`` lists, what is in or out all the same, and single files."""
    listed: list[str] | None = None
    strict = [*_NEVER, *_ALWAYS_IN_A_PACKAGE, *_NEVER_IN_A_PACKAGE]
    required: list[str] = []
    files = package.get("files")
    if isinstance(files, list):
        listed = ["*"]
        for item in filter(lambda item: isinstance(item, str), files):
            wanted = item.removeprefix(".") if item.startswith("./") else item
            wanted = f"{wanted}*" if wanted.endswith("/*") else wanted
            kind = _kind(directory / wanted.lstrip("!").lstrip("/"))
            if kind == stat.S_IFREG:
                strict.insert(0, f"!{wanted}")
                required.append(wanted.removeprefix("/"))
            elif kind == stat.S_IFDIR:
                listed += [f"!{wanted}", f"!{wanted}/**"]
            elif kind is None:
                listed.append(f"!{wanted}")
    for key in ("browser", "main"):
        value = package.get(key)
        if value:
            # Of an object npm makes this text, too.
            strict.append(f"!/{'[object Object]' if isinstance(value, dict) else value}")
    strict += [f"!/{path}" for path in bins]
    rules = None if listed is None else parse_rules("\n".join(listed))
    return rules, parse_rules("\n".join(strict)), tuple(required)


def _kind(path: Path) -> int | None:
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (OSError, ValueError):
        return None
