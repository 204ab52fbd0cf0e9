"""Every parser of what others wrote, as a function of bytes."""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from yarl import URL

from npm2nixlite.agreement.overrides import read_overrides
from npm2nixlite.agreement.spec import parse_spec
from npm2nixlite.assemble.archive import Archive
from npm2nixlite.assemble.header import BadTarballError
from npm2nixlite.assemble.manifest import parse_manifest
from npm2nixlite.assemble.package_json import normalize, parse_package_json
from npm2nixlite.binarycache.address import is_cache
from npm2nixlite.config.npmrc import environment_settings, parse_npmrc
from npm2nixlite.config.project_file import read_project_file
from npm2nixlite.config.registry import RegistryConfig, normal_base
from npm2nixlite.errors import Npm2nixliteError
from npm2nixlite.fetch.answer import Head
from npm2nixlite.fetch.client import _redirected
from npm2nixlite.fetch.http1 import NotPlain, _parse
from npm2nixlite.fetch.metadata import ask_registry
from npm2nixlite.fetch.refusal import Refused
from npm2nixlite.files import parse_json
from npm2nixlite.integrity import parse_integrity
from npm2nixlite.lock.git import git_tree
from npm2nixlite.lock.parse import parse_lock
from npm2nixlite.lock.source import source_at
from npm2nixlite.node_packages.read import read_node_packages
from npm2nixlite.plan import plan_lock
from npm2nixlite.retry import retry_after
from npm2nixlite.store.narinfo import parse as parse_narinfo
from npm2nixlite.store.signature import PublicKey, SecretKey
from npm2nixlite.versions import in_range, is_range

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLEAN", "PARSERS"]

CLEAN = (Npm2nixliteError, BadTarballError, Refused, NotPlain)
"""What a parser may raise."""

_CONFIG = RegistryConfig({}, Path("/nowhere"), forced="http://registry.example/")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _lock(data: bytes) -> None:
    plan_lock(parse_lock(data, "package-lock.json"), lambda _name: None)


def _npmrc(data: bytes) -> None:
    settings = parse_npmrc(_text(data), {"HOME": "/nowhere", "A": "b"})
    config = RegistryConfig(settings, Path("/nowhere"))
    for url in ("https://registry.example/a/-/a-1.0.0.tgz", "http://h.example:8080/a"):
        for ask in (config.authorization, config.proxy, config.tls, config.scope_registry):
            try:
                ask(url)
            except Npm2nixliteError:
                continue  # each of them may find its own setting wrong
    _ = config.npm_cache
    _ = config.configured


class _Answers:
    """A stand-in for the client: the answer is what is tried, and no network is."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, *_: object) -> bytes:
        return self._data


def _metadata(data: bytes) -> None:
    client = _Answers(data)
    asking = ask_registry(client, "http://r.example/", "a", "1.0.0", _CONFIG)  # type: ignore[arg-type]
    asyncio.run(asking)


def _redirect(data: bytes) -> None:
    head = Head(302, "", {"location": data.decode("utf-8", "surrogateescape")})
    _redirected(URL("http://registry.example/a"), head)


def _tarball(data: bytes) -> None:
    archive = Archive(io.BytesIO(data))
    for _ in archive.entries():
        for _piece in archive.body():
            pass


def _package_json(data: bytes) -> None:
    package = parse_package_json(data)
    if package is not None:
        normalize(package)


def _overrides(data: bytes) -> None:
    try:
        value = parse_json(data)
    except ValueError:
        return
    if isinstance(value, dict):
        rule = read_overrides(value)
        rule.deciding("a", "^1.0.0")
        rule.equals(rule)


def _manifest(data: bytes) -> None:
    try:
        value = parse_json(data)
    except ValueError:
        return
    parse_manifest(value)


def _range(data: bytes) -> None:
    text = _text(data)
    is_range(text)
    version, _, wanted = text.partition("\n")
    in_range(version, wanted)
    in_range("1.2.3", text)


def _project_file(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        read_project_file(Path(file.name))


def _address(data: bytes) -> None:
    text = _text(data)
    is_cache(text)
    git_tree(text)
    parse_spec(text)
    for parse in (
        lambda: source_at(text, "a", "1.0.0"),
        lambda: normal_base(text, "x"),
    ):
        try:
            parse()
        except Npm2nixliteError:
            continue


PARSERS: dict[str, Callable[[bytes], object]] = {
    "address": _address,
    "head": _parse,
    "integrity": lambda data: parse_integrity(_text(data)),
    "key": lambda data: (SecretKey.parse(_text(data)), PublicKey.parse(_text(data))),
    "lock": _lock,
    "manifest": _manifest,
    "metadata": _metadata,
    "narinfo": lambda data: parse_narinfo(_text(data)),
    "node-packages": lambda data: read_node_packages(_text(data), "node-packages.nix"),
    "npmrc": _npmrc,
    "npm-environment": lambda data: environment_settings({f"npm_config_{_text(data)}": "x"}),
    "overrides": _overrides,
    "package-json": _package_json,
    "project-file": _project_file,
    "range": _range,
    "redirect": _redirect,
    "retry-after": lambda data: retry_after(_text(data)),
    "tarball": _tarball,
}
