"""Reading the generated file: the law with writing and with Nix, and what is refused."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from npm2nixlite.errors import InputError
from npm2nixlite.lock.git import GitTree
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory
from npm2nixlite.node_packages.model import (
    Flag,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
)
from npm2nixlite.node_packages.read import (
    load_node_packages,
    node_packages_file,
    read_node_packages,
)
from npm2nixlite.node_packages.write import write_node_packages
from npm2nixlite.plan import Address, Blocker
from tests.node_packages.models import BASE, digest, evaluated, models
from tests.support.nix import Nix
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

REV = "c0ffee" + "0" * 34
BUILT = GitTree("https://git.example/g.git", REV)
URL = "https://files.example/u.tgz?a=1&b=2"

MODEL = NodePackages(
    lock_name="package-lock.json",
    lock_sha256="0" * 64,
    lockfile_version=3,
    name="@p/project",
    version="2.0.0",
    registry=BASE,
    project="../app",
    blockers=(Blocker("node_modules/n", "no commit"),),
    entries=(
        PackageEntry("lib", "lib", None, LocalDirectory("lib")),
        PackageEntry(
            "node_modules/a",
            "a",
            "1.0.0",
            Pin(Address("a/-/a-1.0.0.tgz", relative=True), digest("sha512", "a")),
            frozenset([Flag.DEV, Flag.HAS_INSTALL_SCRIPT]),
            os=("linux", "!win32"),
        ),
        PackageEntry(
            "node_modules/a/node_modules/b", "b", "2.0.0", Bundled(), frozenset([Flag.IN_BUNDLE])
        ),
        PackageEntry(
            "node_modules/f", "f", "1.0.0", LocalPin("vendor/f.tgz", digest("sha256", "f"))
        ),
        PackageEntry(
            "node_modules/g", "g", "1.0.0", GitPin(BUILT, digest("sha256", "g"), True, prepare=True)
        ),
        PackageEntry(
            "node_modules/h",
            "h",
            "1.0.0",
            GitPin(GitTree("git@git.example:h", REV, "packages/h"), digest("sha256", "h"), False),
        ),
        Link("node_modules/lib", "lib"),
        PackageEntry(
            "node_modules/u", "v", "1.0.0", Pin(Address(URL, relative=False), digest("sha512", "u"))
        ),
    ),
    prepared={
        BUILT: (
            PackageEntry("node_modules/t", "t", "1.0.0", LocalPin("t.tgz", digest("sha256", "t"))),
        )
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models())
@example(MODEL)
@example(NodePackages("package-lock.json", "0" * 64, 1))
def test_what_is_written_is_read_back(model: NodePackages) -> None:
    assert read_node_packages(write_node_packages(model), "node-packages.nix") == model


@pytest.mark.nix
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.reuse, Phase.generate],  # shrinking would ask Nix for minutes
)
@given(models())
def test_nix_evaluates_what_is_written_to_the_same(model: NodePackages) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory).resolve() / "a" / "b" / "c"
        place.mkdir(parents=True)
        file = place / "node-packages.nix"
        file.write_text(write_node_packages(model))
        for path in _local_tarballs(model):
            tarball = (place / model.project).resolve() / path
            tarball.parent.mkdir(parents=True, exist_ok=True)
            tarball.write_text(path)
        registry = model.registry or BASE
        nix = Nix(Path(directory).resolve() / "nix")
        found = nix.eval(
            f"""
            builtins.removeAttrs (import {file} {{
              fetchurl = asked: asked;
              fetchgit = asked: {{ outPath = builtins.toJSON asked; }};
              {"" if model.registry else f'registry = "{registry}";'}
            }}) [ "sources" ]
            """
        )
    assert found == evaluated(model, registry, f"{nix.root}/store")


def _local_tarballs(model: NodePackages) -> Iterable[str]:
    for entry in model.entries:
        if isinstance(entry, PackageEntry) and isinstance(entry.content, LocalPin):
            yield entry.content.path


@pytest.mark.parametrize(
    "file",
    [
        "fixtures/web-service/node-packages.nix",
        *(
            f"nix/mempool/releases/{name}-packages.nix"
            for name in ("2.5.1/backend", "3.3.1/rust-gbt")
        ),
    ],
)
def test_the_generated_files_of_this_repository_are_as_they_would_be_written_today(
    file: str,
) -> None:
    text = (ROOT / file).read_text()
    assert write_node_packages(read_node_packages(text, file)) == text


TEXT = write_node_packages(MODEL)


def fault(old: str, new: str) -> InputError:
    """What is said of the file after a change."""
    assert TEXT.count(old) == 1, f"{TEXT.count(old)} times: {old}"
    with pytest.raises(InputError) as caught:
        read_node_packages(TEXT.replace(old, new), "node-packages.nix")
    assert caught.value.where[0] == "node-packages.nix"
    assert "npm2nixlite generate" in caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("number", "told"),
    [("2", "format is 2"), ("10", "format is 10"), ("0", "format is 0"), ('"1"', 'format is "1"')],
)
def test_another_format_is_told_with_what_to_do(number: str, told: str) -> None:
    error = fault("  format = 1;\n", f"  format = {number};\n")
    assert told in error.what
    assert "format 1" in error.what
    assert "npm2nixlite generate" in error.hint


def test_a_file_without_a_format_is_told_with_what_to_do() -> None:
    error = fault("  format = 1;\n", "")
    assert "no format" in error.what
    assert "npm2nixlite generate" in error.hint


def test_the_format_comes_before_whatever_else_is_wrong() -> None:
    text = TEXT.replace("  format = 1;\n", "  format = 2;\n").replace("version", "edition")
    with pytest.raises(InputError, match="format is 2"):
        read_node_packages(text, "f")


def test_what_another_program_wrote_is_told() -> None:
    for text in ("", "{ }", "# This file has been generated by node2nix\n{}: { }", TEXT[1:]):
        with pytest.raises(InputError, match="no file that npm2nixlite wrote"):
            read_node_packages(text, "f")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("c0ffee" + "0" * 34 + '"; narHash = "' + str(digest("sha256", "h")), None, "no commit"),
        ('"vendor/f.tgz"', '"/etc/f.tgz"', "absolute"),
        ('"vendor/f.tgz"', '"vendor/../../f.tgz"', "not normal"),
        ('"vendor/f.tgz"', r'"vendor/\n.tgz"', "control character"),
        ('"t.tgz"', '"../t.tgz"', "not in its repository"),
        ('path = "a/-/a-1.0.0.tgz"', 'path = "../a-1.0.0.tgz"', "not normal"),
        ('path = "a/-/a-1.0.0.tgz"', 'path = ""', "malformed"),
        ('path = "a/-/a-1.0.0.tgz"', 'path = "a b.tgz"', "malformed"),
        ('path = "a/-/a-1.0.0.tgz"', 'path = "a.tgz#x"', "malformed"),
        (URL, "file:///etc/u.tgz?a=1&b=2", "not of http"),
        (URL, "https://user:pw@files.example/u.tgz?a=1&b=2", "credentials"),
        (URL, "HTTPS://files.example/u.tgz?a=1&b=2", "not normal"),
        (URL, "https://files.example/../u.tgz?a=1&b=2", "not normal"),
        (URL, r"https://files.example/\nu.tgz?a=1&b=2", "malformed"),
        ('storeName = "u.tgz"', 'storeName = "../u.tgz"', "storeName"),
        ('storeName = "u.tgz"', 'storeName = "v.tgz"', "storeName"),
        (' storeName = "u.tgz";', "", "storeName"),
        ('a-1.0.0.tgz"; hash', 'a-1.0.0.tgz"; storeName = "a-1.0.0.tgz"; hash', "not as"),
        (str(digest("sha512", "a")), "sha512-AAAA", "no sha512 hash"),
        (str(digest("sha512", "a")), str(digest("sha1", "a")), "no sha512 hash"),
        (str(digest("sha512", "a")), f"{digest('sha512', 'a')} {digest('sha512', 'b')}", "no sha"),
        (str(digest("sha512", "a")), f"{digest('sha512', 'a')}?x", "no sha512 hash"),
        (str(digest("sha256", "f")), str(digest("sha512", "f")), "no sha256 hash"),
        (str(digest("sha256", "h")), str(digest("sha512", "h")), "no sha256 hash"),
        ('"git@git.example:h"', '"-oProxyCommand=x@git.example:h"', "malformed"),
        ('"git@git.example:h"', '"ssh://-oProxyCommand=x/h"', "malformed"),
        ('"git@git.example:h"', '"git@-oProxyCommand=x:h"', "malformed"),
        ('"git@git.example:h"', '"--upload-pack=x"', "malformed"),
        ('"git@git.example:h"', '"ext::sh -c x"', "malformed"),
        ('"git@git.example:h"', '"file:///srv/h.git"', "machine that wrote"),
        ('"git@git.example:h"', '"/srv/h.git"', "not normal"),
        ('"git@git.example:h"', '"https://user:pw@git.example/h"', "credentials"),
        ('"git@git.example:h"', '"https://git.example/h#x"', "no commit"),
        ('"git@git.example:h"', '"git@github.com:h/h.git"', "not normal"),
        ('subdirectory = "packages/h"', 'subdirectory = "../h"', "not normal"),
        ('subdirectory = "packages/h"', 'subdirectory = "/packages/h"', "not normal"),
        ('subdirectory = "packages/h"', r'subdirectory = "packages\nh"', "not normal"),
        ('"node_modules/a" = {', '"node_modules/../../a" = {', "not normal"),
        ('"node_modules/a" = {', '"/node_modules/a" = {', "absolute"),
        ('"node_modules/a" = {', '"node_modules/.bin" = {', "node_modules/NAME"),
        ('"node_modules/a" = {', r'"node_modules/\n" = {', "control character"),
        ('"node_modules/a" = {', '"node_modules/z" = {', "out of order"),
        ('"node_modules/a" = {', '"node_modules/f" = {', "out of order"),
        ('link = "lib"', 'link = "elsewhere"', "not in the lock"),
        ('link = "lib"', 'link = "/lib"', "absolute"),
        ('link = "lib"; ', 'link = "lib"; dev = true; ', "'dev' means nothing"),
        ('directory = "lib"', 'directory = "/lib"', "absolute"),
        ("dev = true", "dev = false", "'dev' is not true"),
        ("dev = true", 'dev = "yes"', "'dev' is not true"),
        ("dev = true", "novel = true", "'novel' means nothing"),
        ('os = [ "linux"', 'os = [ true "linux"', "'os' is not a list of strings"),
        ('os = [ "linux" "!win32" ]', "os = [ ]", "not as npm2nixlite writes"),
        ('version = "1.0.0"; path', "version = 1; path", "'version' is not a string"),
        ('version = "1.0.0"; path', 'version = "${x}"; path', "not as npm2nixlite writes"),
        ('version = "1.0.0"; path', "version = builtins.x; path", "not as npm2nixlite writes"),
        ("submodules = true; prepare = true", "submodules = true", "not in step"),
        ("#" + REV + '" = {', "#" + "1" * 40 + '" = {', "not in step"),
        ("canonical = false", "canonical = true", "not as npm2nixlite writes"),
        ("canonical = false", "canonical = 0", "'canonical' is not true or false"),
        ("lockfileVersion = 3", "lockfileVersion = 4", "not 1, 2 or 3"),
        ("lockfileVersion = 3", "lockfileVersion = true", "'lockfileVersion' is not a number"),
        ("sha256:" + "0" * 64, "sha256:" + "0" * 63, "no sha256 hash in base 16"),
        ('reason = "no commit"', "reason = 1", "'reason' is not a string"),
        ('reason = "no commit"', 'reason = "no commit"; more = ""', "'more' means nothing"),
        ('path = "node_modules/n"', 'path = "/n"', "absolute"),
        ('name = "@p/project"', 'novel = 1;\n  name = "@p/project"', "'novel' means nothing"),
        ('name = "@p/project"', 'name = "@p/project"; ', "not as npm2nixlite writes"),
        (f'registry ? "{BASE}"', f'registry ? "{BASE[:-1]}"', "end with a slash"),
        (f'registry ? "{BASE}"', 'registry ? "https://u:p@registry.example/"', "credentials"),
        (f'registry ? "{BASE}"', 'registry ? "file:///registry/"', "not of http"),
        (f'registry ? "{BASE}"', 'registries ? ""', "'registry' is missing"),
        ('./. + "/../app"', './. + "../app"', "not normal"),
        ('./. + "/../app"', './. + "/app/../.."', "not normal"),
        ("project ? ./.", "directory ? ./.", "'project' is missing"),
        ("  locked = {\n", "  entries = {\n", "a part of this file is missing"),
        ("\nin\n{\n", "\n{\n", "a part of this file is missing"),
        ("  packages = builtins", "  bundles = builtins", "a part of this file is missing"),
    ],
)
def test_a_field_that_no_lock_could_have_is_refused(old: str, new: str | None, told: str) -> None:
    if new is None:
        new = old.replace(REV, "--upload-pack=x")
    assert told in fault(old, new).what


def test_what_stands_outside_of_the_project_without_a_link_is_refused() -> None:
    inside = "    lib = {"
    outside = '    "../lib/node_modules/x" = { version = "1.0.0"; };'
    assert "no link leads there" in fault(inside, f"{outside}\n{inside}").what


def test_a_fault_is_told_with_its_install_path() -> None:
    error = fault(f'"{URL}"', '"file:///u"')
    assert error.where == ("node-packages.nix", "node_modules/u")


def test_what_is_needed_to_build_itself_is_refused() -> None:
    def needs(tree: GitTree) -> PackageEntry:
        pin = GitPin(tree, digest("sha256", tree.url), submodules=False, prepare=True)
        return PackageEntry("node_modules/g", "g", "1.0.0", pin)

    one, two, three = (replace(BUILT, url=f"https://git.example/{name}.git") for name in "abc")
    for prepared in (
        {one: (needs(one),)},
        {one: (needs(two),), two: (needs(three),), three: (needs(two),)},
    ):
        text = write_node_packages(replace(MODEL, entries=(needs(one),), prepared=prepared))
        with pytest.raises(InputError, match="needed to build itself"):
            read_node_packages(text, "f")
    chain = {one: (needs(two),), two: (needs(three),), three: ()}
    model = replace(MODEL, entries=(needs(one),), prepared=chain)
    assert read_node_packages(write_node_packages(model), "f") == model


def test_an_install_path_stands_there_once() -> None:
    line = next(line for line in TEXT.split("\n") if "node_modules/a/" in line)
    error = fault(f"{line}\n", f"{line}\n{line}\n")
    assert "out of order" in error.what


def test_the_line_that_is_not_as_it_would_be_written_is_told() -> None:
    for old, new in (
        ('    { path = "node_modules/n";', '    { path  = "node_modules/n";'),
        ('  name = "@p/project";', "  name = builtins.name;"),
        ('    "node_modules/f" = {', '    "node_modules/f"  = {'),
    ):
        told = new.strip()
        assert f"not as npm2nixlite writes it: {told}" in fault(old, new).what


def test_the_files_own_directory_has_one_spelling() -> None:
    assert "not normal" in fault('./. + "/../app"', './. + "/."').what


def test_one_address_has_one_hash() -> None:
    line = next(line for line in TEXT.split("\n") if '"node_modules/a" = ' in line)
    other = line.replace('modules/a"', 'modules/aa"').replace("version", 'name = "a"; version')
    other = other.replace(str(digest("sha512", "a")), str(digest("sha512", "b")))
    inside = next(line for line in TEXT.split("\n") if "node_modules/b" in line)
    error = fault(f"{inside}\n", f"{inside}\n{other}\n")
    assert "another hash" in error.what
    assert error.where[1] == "node_modules/aa"


def test_a_file_is_found_in_its_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        node_packages_file(tmp_path)
    (tmp_path / "node-packages.nix").write_text(TEXT)
    file = node_packages_file(tmp_path)
    assert file == node_packages_file(file) == tmp_path / "node-packages.nix"
    assert load_node_packages(file) == MODEL


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "node-packages.nix"
    with pytest.raises(InputError, match=re.escape(str(file))):
        load_node_packages(file)
    file.write_bytes(b"\xff")
    with pytest.raises(InputError, match="cannot be read"):
        load_node_packages(file)
