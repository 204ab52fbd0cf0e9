"""The generated file, judged by Nix itself."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npm2nixlite.integrity import Integrity
from npm2nixlite.lock.parse import parse_lock
from npm2nixlite.node_packages.from_lock import node_packages_of
from npm2nixlite.node_packages.model import Pin
from npm2nixlite.node_packages.write import write_node_packages
from npm2nixlite.plan import plan_lock
from tests.support.nix import Nix
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

BASE = "https://registry.example/"


def digest(text: str) -> str:
    return sri(text.encode())


def render(packages: dict[str, Any], registry: str | None = None, **top: object) -> str:
    """Render a lock; the pins are what the entries say themselves."""
    content = json.dumps({"lockfileVersion": 3, **top, "packages": packages}).encode()
    lock = parse_lock(content, "package-lock.json")
    plan = plan_lock(lock, lambda _name: None)
    pins = {
        path: Pin(tarball.address, max(tarball.integrities))
        for path, tarball in plan.by_install_path().items()
    }
    return write_node_packages(node_packages_of(lock, pins, plan.blockers, registry))


def write(directory: Path, text: str) -> Path:
    file = directory / "node-packages.nix"
    file.write_text(text)
    return file


LOCK: dict[str, Any] = {
    "": {"name": "@p/project", "version": "2.0.0"},
    "node_modules/a": {"version": "1.0.0", "integrity": digest("a"), "dev": True},
    "node_modules/a/node_modules/@s/b": {
        "version": "1.0.0",
        "integrity": digest("b"),
        "optional": True,
        "os": ["linux", "!win32"],
        "cpu": ["x64"],
        "libc": ["glibc"],
        "hasInstallScript": True,
    },
    "node_modules/c": {"name": "@s/b", "version": "1.0.0", "integrity": digest("b")},
    "node_modules/d": {"link": True, "resolved": "packages/d"},
    "node_modules/e": {
        "version": "1.0.0",
        "resolved": "https://files.example/e.tgz?a=1&b=2",
        "integrity": digest("e"),
    },
    "node_modules/a/node_modules/f": {"version": "3.0.0", "inBundle": True},
    "node_modules/g": {"version": "1.0.0", "resolved": "github:x/g#c0ffee"},
    "packages/d": {"name": "d", "version": "0.1.0"},
}


def test_the_file_evaluates_to_what_the_lock_says(nix: Nix, tmp_path: Path) -> None:
    file = write(tmp_path, render(LOCK))
    nix.run("nix-instantiate", "--parse", file)
    value = nix.eval(
        f"""
        let p = import {file} {{ registry = "{BASE}"; fetchurl = a: a; }};
        in p
        """
    )
    assert value["name"] == "@p/project"
    assert value["version"] == "2.0.0"
    assert value["lockfileVersion"] == 3
    assert value["lockHash"].startswith("sha256:")
    assert value["format"] == 1
    assert value["canonical"] is False
    assert value["blockers"] == [
        {
            "path": "node_modules/g",
            "reason": "git dependency: the lock gives no commit for it, only 'c0ffee'",
        }
    ]
    b_source = {"url": f"{BASE}@s/b/-/b-1.0.0.tgz", "hash": digest("b")}
    assert value["packages"] == {
        "node_modules/a": {
            "version": "1.0.0",
            "src": {"url": f"{BASE}a/-/a-1.0.0.tgz", "hash": digest("a")},
            "dev": True,
        },
        "node_modules/a/node_modules/@s/b": {
            "version": "1.0.0",
            "src": b_source,
            "optional": True,
            "os": ["linux", "!win32"],
            "cpu": ["x64"],
            "libc": ["glibc"],
            "hasInstallScript": True,
        },
        "node_modules/a/node_modules/f": {"version": "3.0.0", "inBundle": True},
        "node_modules/c": {"name": "@s/b", "version": "1.0.0", "src": b_source},
        "node_modules/d": {"link": "packages/d"},
        "node_modules/e": {
            "version": "1.0.0",
            "src": {
                "url": "https://files.example/e.tgz?a=1&b=2",
                "hash": digest("e"),
                "name": "e.tgz",
            },
        },
        "node_modules/g": {"version": "1.0.0"},
        "packages/d": {"name": "d", "version": "0.1.0", "directory": "packages/d"},
    }
    assert len(value["sources"]) == 3
    assert b_source in value["sources"]


def test_the_lock_hash_is_what_nix_computes_of_the_lock(nix: Nix, tmp_path: Path) -> None:
    lock_file = tmp_path / "package-lock.json"
    lock_file.write_text('{"lockfileVersion": 3, "packages": {}}')
    lock = parse_lock(lock_file.read_bytes(), str(lock_file))
    file = write(tmp_path, write_node_packages(node_packages_of(lock, {}, [], None)))
    assert nix.eval(
        f'(import {file} {{ registry = ""; }}).lockHash == '
        f'"sha256:" + builtins.hashFile "sha256" {lock_file}'
    )


def test_the_registry_is_an_argument_with_or_without_a_slash(nix: Nix, tmp_path: Path) -> None:
    file = write(tmp_path, render(LOCK, registry=BASE))

    def url(arguments: str) -> object:
        return nix.eval(
            f'(import {file} {{ fetchurl = a: a; {arguments} }}).packages."node_modules/a".src.url'
        )

    assert url("") == f"{BASE}a/-/a-1.0.0.tgz"
    assert url('registry = "https://m.example/npm";') == "https://m.example/npm/a/-/a-1.0.0.tgz"
    assert url('registry = "https://m.example/npm/";') == "https://m.example/npm/a/-/a-1.0.0.tgz"


def test_a_store_path_is_the_one_nix_gives_that_hash_and_base_name(
    nix: Nix, tmp_path: Path
) -> None:
    file = write(tmp_path, render(LOCK))
    package = f'(import {file} {{ registry = "{BASE}"; }}).packages."node_modules/c".src'
    expected = nix.run(
        "nix-store",
        "--print-fixed-path",
        "sha512",
        hashlib.sha512(b"b").hexdigest(),
        "b-1.0.0.tgz",
    ).stdout.strip()
    assert nix.eval(f"{package}.outPath") == expected


def test_the_file_evaluates_in_pure_mode(nix: Nix, tmp_path: Path) -> None:
    flake = tmp_path / "flake"
    flake.mkdir()
    write(flake, render(LOCK))
    (flake / "flake.nix").write_text(
        "{ outputs = { self }: { paths = map (s: s.outPath) "
        f'(import ./node-packages.nix {{ registry = "{BASE}"; }}).sources; }}; }}'
    )
    done = nix.run("nix", "eval", "--json", f"path:{flake}#paths")
    assert len(json.loads(done.stdout)) == 3


def test_nix_builds_every_source_from_a_real_server(
    nix: Nix, tmp_path: Path, registry: Registry
) -> None:
    entries = {}
    for name in ("a", "@s/b", "c"):
        data = registry.publish(name)
        entries[f"node_modules/{name}"] = {"version": "1.0.0", "integrity": sri(data)}
    registry.answers["/odd.tgz?x=1&y=2"] = registry.answers["/a/-/a-1.0.0.tgz"]
    entries["node_modules/d"] = {
        **entries["node_modules/a"],
        "resolved": f"{registry.base}odd.tgz?x=1&y=2",
    }
    file = write(tmp_path, render(entries))
    built = nix.run(
        *("nix-build", "--no-out-link", file, "-A", "sources"),
        *("--argstr", "registry", registry.base),
    ).stdout.split()
    assert sorted(Path(path).name.partition("-")[2] for path in built) == [
        "a-1.0.0.tgz",
        "b-1.0.0.tgz",
        "c-1.0.0.tgz",
        "odd.tgz",
    ]


def test_nix_refuses_a_source_whose_bytes_differ(
    nix: Nix, tmp_path: Path, registry: Registry
) -> None:
    registry.publish("a")
    file = write(
        tmp_path, render({"node_modules/a": {"version": "1.0.0", "integrity": digest("other")}})
    )
    done = nix.run(
        *("nix-build", "--no-out-link", file, "-A", "sources"),
        *("--argstr", "registry", registry.base),
        check=False,
    )
    assert done.returncode != 0
    assert "hash mismatch" in done.stderr


EVIL = st.lists(
    st.one_of(
        st.sampled_from(['${abort "x"}', "''", '"', "\\", "$", "{", "}", ";", "*/", "#", "\n"]),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    )
).map("".join)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=EVIL, version=EVIL, platform=EVIL, directory_name=EVIL)
def test_no_string_of_a_lock_can_inject_nix_code(
    name: str, version: str, platform: str, directory_name: str
) -> None:
    packages = {
        "": {"name": name, "version": version},
        "lib": {"name": directory_name, "version": version, "os": [platform]},
        "node_modules/lib": {"link": True, "resolved": "lib"},
        "node_modules/u": {
            "version": version,
            "resolved": "https://files.example/u.tgz",
            "integrity": digest("u"),
            "libc": [platform],
        },
    }
    text = render(packages)
    with tempfile.TemporaryDirectory() as directory:
        file = write(Path(directory), text)
        value = Nix(Path(directory) / "nix").eval(
            f'import {file} {{ registry = "{BASE}"; fetchurl = a: a; }}'
        )
    assert value["name"] == name
    assert value["packages"]["node_modules/u"]["version"] == version
    assert value["packages"]["node_modules/u"]["libc"] == [platform]
    assert value["packages"]["lib"]["os"] == [platform]


def test_a_source_has_one_hash_however_many_install_paths_it_fills() -> None:
    sha512 = Integrity.of("sha512", hashlib.sha512(b"a").digest())
    packages = {f"node_modules/x{n}/node_modules/a": LOCK["node_modules/a"] for n in range(3)}
    text = render(packages)
    assert text.count(str(sha512)) == 3
    assert text.count('path = "a/-/a-1.0.0.tgz"') == 3
