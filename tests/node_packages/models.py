"""Models of generated files, drawn at random; and what Nix must make of each."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import strategies as st

from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.integrity import Integrity
from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory
from npm2nixlite.node_packages.model import (
    AnyEntry,
    Flag,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
    Unfilled,
)
from npm2nixlite.plan import Address, Blocker
from npm2nixlite.store.path import fixed_output_path

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BASE", "digest", "evaluated", "models"]

BASE = "https://registry.example/"

EVIL = ['${abort "x"}', "$${x}", "$", "''", '"', "\\", "\n", "\r", "\t", "};", "*/", "#", "\u2028"]
TEXT = st.lists(
    st.one_of(
        st.sampled_from(EVIL),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=8,
).map("".join)
PART = st.one_of(
    st.from_regex(r"[a-z]{1,3}", fullmatch=True),
    st.sampled_from(["$", "${x}", '"', "a b", "é", ".hidden", "with", "''", "-x"]),
)
PACKAGE = st.from_regex(r"(@[a-z0-9]{1,2}/)?[a-zA-Z0-9_~!'()*-][a-z0-9_.~-]{0,3}", fullmatch=True)
ADDRESS = st.builds(
    "{}/-/{}{}".format,
    PACKAGE,
    st.from_regex(r"[a-zA-Z0-9%+_~!$&'()*,;=:@.-]{0,9}\.tgz", fullmatch=True),
    st.sampled_from(["", "?a=1", "?a=1&b=/2"]),
)
REV = st.from_regex(r"[0-9a-f]{40}([0-9a-f]{24})?", fullmatch=True)
REPOSITORY = st.sampled_from(
    [
        "git+https://git.example/a/b.git",
        "git+https://git@git.example/a/b",
        "git+ssh://git@git.example:7999/a/b.git",
        "git+ssh://git@git.example:a/b.git",
        "git://git.example/-b",
        "git+http://127.0.0.1:8080/b.c.git",
        "github:a/b",
        "git+ssh://git@gitlab.com/a/b/c.git",
        "gist:0123456789abcdef",
    ]
)
PLATFORMS = st.lists(st.one_of(st.sampled_from(["linux", "!win32"]), TEXT), max_size=2).map(tuple)
FLAGS: st.SearchStrategy[frozenset[Flag]] = st.frozensets(
    st.sampled_from([flag for flag in Flag if flag is not Flag.IN_BUNDLE])
)


def digest(algorithm: str, text: str) -> Integrity:
    """A hash that is the same wherever the text is: one address has one content."""
    return Integrity.of(algorithm, hashlib.new(algorithm, text.encode()).digest())


@st.composite
def trees(draw: st.DrawFn) -> GitTree:
    """Git trees as a lock can name them."""
    directory = draw(st.lists(PART, max_size=2).map("/".join))
    suffix = f"::path:{quote(directory)}" if directory else ""
    tree = git_tree(f"{draw(REPOSITORY)}#{draw(REV)}{suffix}")
    assert isinstance(tree, GitTree)
    return tree


def git_pin(tree: GitTree, *, prepare: bool) -> GitPin:
    """What is known of a commit, the same wherever it is."""
    commit = f"{tree.url}#{tree.rev}"
    return GitPin(tree, digest("sha256", commit), len(commit) % 2 == 1, prepare)


def contents(trees: Iterable[GitTree], prepared: Iterable[GitTree]) -> st.SearchStrategy[Any]:
    """What can fill an install path: the git trees are given, as those that are built are."""
    pins = [git_pin(tree, prepare=tree in set(prepared)) for tree in (*trees, *prepared)]
    local = st.builds("{}{}.tgz".format, st.sampled_from(["", "../", "lib/"]), PART)
    return st.one_of(
        ADDRESS.map(lambda path: Pin(Address(path, relative=True), digest("sha512", path))),
        st.builds("http{}://files.example:8080/{}".format, st.sampled_from(["", "s"]), ADDRESS).map(
            lambda url: Pin(Address(url, relative=False), digest("sha512", url))
        ),
        local.map(lambda path: LocalPin(path, digest("sha256", path))),
        st.sampled_from(pins) if pins else st.nothing(),
        st.builds(LocalDirectory, st.lists(PART, min_size=1, max_size=2).map("/".join)),
        st.just(Unfilled()),
        st.just(Bundled()),
    )


@st.composite
def packages(draw: st.DrawFn, install_path: str, content: st.SearchStrategy[Any]) -> PackageEntry:
    """What can stand at an install path that is no link."""
    filling, flags = draw(content), draw(FLAGS)
    in_bundle = isinstance(filling, Bundled)
    if in_bundle or (not isinstance(filling, Unfilled) and draw(st.booleans())):
        flags |= {Flag.IN_BUNDLE}
    default = f"/{install_path}".rpartition("/node_modules/")
    name = draw(TEXT) or "n"
    if default[1] and draw(st.booleans()):
        name = default[2]
    version = draw(st.one_of(st.none(), st.just("1.0.0"), TEXT))
    platforms = [draw(PLATFORMS) for _ in range(3)]
    return PackageEntry(install_path, name, version, filling, flags, *platforms)


@st.composite
def entries(draw: st.DrawFn, content: st.SearchStrategy[Any], most: int) -> tuple[AnyEntry, ...]:
    """Entries of one lock, by install path; what is outside of the project has a link."""
    local = st.lists(PART, min_size=1, max_size=2).map("/".join)
    directories = draw(
        st.sets(st.builds("{}{}".format, st.sampled_from(["", "../", "../../"]), local), max_size=2)
    )
    found: dict[str, AnyEntry] = {}
    for number, path in enumerate(sorted(directories)):
        found[path] = draw(packages(path, st.just(LocalDirectory(path))))
        found[f"node_modules/link-{number}"] = Link(f"node_modules/link-{number}", path)
    if draw(st.booleans()):
        found["node_modules/self"] = Link("node_modules/self", "")
    inside = st.sampled_from(["", *(f"{path}/" for path in sorted(directories))])
    modules = st.lists(PACKAGE.map("node_modules/{}".format), min_size=1, max_size=3).map("/".join)
    for path in draw(st.sets(st.builds("{}{}".format, inside, modules), max_size=most)):
        if not path.endswith("/node_modules") and path not in found:
            found[path] = draw(packages(path, content))
    return tuple(found[path] for path in sorted(found))


RECORDED = st.builds(
    Recorded,
    settings=st.sampled_from([{}, {"legacy-peer-deps": "true"}, {"omit": "dev optional"}]),
    manifests=st.dictionaries(
        st.sampled_from(["", "packages/a"]),
        st.dictionaries(TEXT, TEXT, max_size=2).map(json.dumps),
        max_size=2,
    ),
    removed=st.sampled_from([(), ("node_modules/a/node_modules/b",)]),
    layout=st.sampled_from([(), ("\t", "\r\n")]),
)


@st.composite
def models(draw: st.DrawFn) -> NodePackages:
    """Whole files."""
    plain = draw(st.lists(trees(), max_size=2))
    built = [tree for tree in draw(st.lists(trees(), max_size=2)) if tree not in plain]
    own = draw(entries(contents(plain, built), 6))
    prepared: dict[GitTree, tuple[AnyEntry, ...]] = {}
    pending = _built(own)
    while pending:
        tree = pending.pop()
        if tree not in prepared:
            # What is needed to build itself could not be built, and is a blocker.
            later = built[built.index(tree) + 1 :]
            below = draw(entries(contents(plain, later), 3))
            prepared[tree] = tuple(filter(_inside, below))
            pending += _built(prepared[tree])
    optional = st.one_of(st.none(), TEXT)
    paths = [entry.install_path for entry in own] or ["node_modules/gone"]
    return NodePackages(
        lock_name=draw(st.from_regex(r"[\x20-\x7e]{0,9}\.json", fullmatch=True)),
        lock_sha256=digest("sha256", draw(TEXT)).hex,
        lockfile_version=draw(st.sampled_from([1, 2, 3])),
        name=draw(optional),
        version=draw(optional),
        registry=draw(st.sampled_from([None, BASE, "http://127.0.0.1:4873/npm/"])),
        project=draw(st.sampled_from([".", "..", "../..", "a/${b}", "../a b"])),
        blockers=tuple(
            draw(st.lists(st.builds(Blocker, st.sampled_from(paths), TEXT), max_size=2))
        ),
        entries=own,
        recorded=draw(RECORDED),
        prepared=prepared,
    )


def _built(found: Iterable[AnyEntry]) -> list[GitTree]:
    return [
        entry.content.tree
        for entry in found
        if isinstance(entry, PackageEntry)
        and isinstance(entry.content, GitPin)
        and entry.content.prepare
    ]


def _inside(entry: AnyEntry) -> bool:
    """Whether it can be in a git dependency's own lock: its tarballs are in its repository."""
    content = entry.content if isinstance(entry, PackageEntry) else None
    return not (isinstance(content, LocalPin) and content.path.startswith("../"))


def evaluated(model: NodePackages, registry: str, store_dir: str) -> dict[str, Any]:
    """What the file evaluates to, but for ``sources``.

    ``fetchurl`` gives back what it is asked for; so does ``fetchgit``, as JSON in ``outPath``. A
    local tarball's text is its path.
    """
    return {
        "format": 1,
        "name": model.name,
        "version": model.version,
        "lockfileVersion": model.lockfile_version,
        "lockHash": f"sha256:{model.lock_sha256}",
        "canonical": not model.blockers,
        "blockers": [{"path": one.install_path, "reason": one.reason} for one in model.blockers],
        "packages": _packages(model, model.entries, (registry, store_dir), None),
        **_recorded(model.recorded),
    }


def _recorded(recorded: Recorded) -> dict[str, Any]:
    found = {
        "settings": dict(recorded.settings),
        "manifests": dict(recorded.manifests),
        "removed": list(recorded.removed),
        "layout": list(recorded.layout),
    }
    given = {name: value for name, value in found.items() if value}
    return {"recorded": given} if given else {}


def _packages(
    model: NodePackages,
    entries: Iterable[AnyEntry],
    fetched: tuple[str, str],
    inside: GitTree | None,
) -> dict[str, Any]:
    return {
        entry.install_path: {"link": entry.target}
        if isinstance(entry, Link)
        else _package(model, entry, fetched, inside)
        for entry in entries
    }


def _package(
    model: NodePackages, entry: PackageEntry, fetched: tuple[str, str], inside: GitTree | None
) -> dict[str, Any]:
    found: dict[str, Any] = {flag.value: True for flag in entry.flags}
    _, modules, last = f"/{entry.install_path}".rpartition("/node_modules/")
    if not modules or entry.name != last:
        found["name"] = entry.name
    if entry.version is not None:
        found["version"] = entry.version
    for name, values in (("os", entry.os), ("cpu", entry.cpu), ("libc", entry.libc)):
        if values:
            found[name] = list(values)
    return found | _content(model, entry, fetched, inside)


def _content(
    model: NodePackages, entry: PackageEntry, fetched: tuple[str, str], inside: GitTree | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    match entry.content:
        case Pin(address, sha512):
            url = fetched[0] + address.path if address.relative else address.path
            found["src"] = {"url": url, "hash": str(sha512)}
            if address.path.rpartition("/")[2] != entry.content.store_name:
                found["src"]["name"] = entry.content.store_name
        case LocalPin(path, _):
            name, sha256 = entry.content.store_name, entry.content.sha256
            found["src"] = str(fixed_output_path(name, sha256, store_dir=fetched[1]))
            if inside is not None:
                below = f"/{inside.directory}" if inside.directory else ""
                found["src"] = f"{_tree(inside)}{below}/{path}"
        case GitPin(tree):
            found |= {"src": _tree(tree), "rev": tree.rev}
            if tree.directory:
                found["subdirectory"] = tree.directory
            if entry.content.prepare:
                found["prepare"] = _packages(model, model.prepared[tree], fetched, tree)
        case LocalDirectory(path):
            found["directory"] = path
    return found


def _tree(tree: GitTree) -> str:
    pin = git_pin(tree, prepare=False)
    return json.dumps(
        {
            "fetchSubmodules": pin.submodules,
            "hash": str(pin.sha256),
            "name": pin.store_name,
            "rev": tree.rev,
            "url": tree.url,
        },
        separators=(",", ":"),
    )
