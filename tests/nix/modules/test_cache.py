"""The binary cache of the NixOS module: what it gives to nginx and systemd, with real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.binarycache.closures import build
from tests.binarycache.places import nginx
from tests.cli.caches import Project
from tests.nix.modules.test_modules import NIXPKGS_LIB, SYSTEM
from tests.support.logic import call
from tests.support.nix import NixElsewhere
from tests.support.projects import ROOT, run_program
from tests.support.units import complaints, render

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

SCRIPT = ROOT / "nix/modules/runtime/cache-tokens.sh"


def units(nix: Nix, program: Path, **more: Any) -> Any:
    return nix.eval(
        call(
            "cacheUnits",
            {
                "program": str(program),
                "bash": str(program),
                "nix": str(program),
                "group": "nginx",
                "directory": "/srv/cache",
                "tokenFiles": ["/run/keys/one", "/run/keys/two"],
                "tokensScript": str(SCRIPT),
                "keepSince": "26w",
                "keepRoots": "/etc/roots",
                "push": {
                    "to": ["https://cache.example", "s3://bucket?region=a&endpoint=b"],
                    "tokenFile": "/run/keys/token",
                    "keyFiles": ["/run/keys/secret"],
                    "upstreams": ["https://upstream.example"],
                    "upstreamKeys": ["up-1:AAAA="],
                    "compression": "zstd",
                },
                **more,
            },
        )
    )


def write_tokens(directory: Path, *tokens: str) -> subprocess.CompletedProcess[str]:
    """Run the service's script as systemd does; returns how it went."""
    for name in ("credentials", "runtime"):
        (directory / name).mkdir(exist_ok=True)
    for number, token in enumerate(tokens):
        (directory / f"credentials/token-{number}").write_text(token)
    settings = {
        "CREDENTIALS_DIRECTORY": str(directory / "credentials"),
        "RUNTIME_DIRECTORY": str(directory / "runtime"),
    }
    return subprocess.run(
        ["bash", SCRIPT],
        env={**os.environ, **settings},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_fleet_pushes_with_a_token_and_everybody_substitutes(
    nix: Nix, home: Path, tmp_path: Path
) -> None:
    assert write_tokens(tmp_path, "t0ken\n", "an+other/one==").returncode == 0
    cache = tmp_path / "cache"
    given = {
        "directory": str(cache),
        "uploads": str(tmp_path / "uploads"),
        "tokens": str(tmp_path / "runtime/tokens.conf"),
    }
    server = nix.eval(call("cacheServer", given))
    for name in ("cache", "uploads"):
        (tmp_path / name).mkdir()
    local = NixElsewhere(tmp_path / "first")
    outer = build(local, tmp_path)
    project = Project(home, home, [])
    (home / "wrong").write_text("t0ke")
    (home / "right").write_text("an+other/one==\n")
    key = tmp_path / "key"
    key.write_bytes(local("nix", "key", "generate-secret", "--key-name", "cache.example-1"))
    public = local.line("sh", "-c", f"nix key convert-secret-to-public < {key}")
    served = nginx(tmp_path / "server", location=server["location"], http=server["httpConfig"])
    with served as place:
        to = ("push", "--to", place.address, "--key-file", key, outer)
        for options in ((), ("--token-file", "wrong")):
            refused = project.run(*to, *options, **local.environment)
            assert refused.status == 4
            assert "answered 401" in refused.stderr
        assert not list(cache.rglob("*.nar*"))
        run = project.run(*to, "--token-file", "right", **local.environment)
        assert run.status == 0, run.stderr
        check = run_program("cache-check", place.address, "--deep", "--key", public, home=home)
        assert check.status == 0, check.stdout + check.stderr
        assert "3 paths: 0 with faults" in check.stdout
        second = local.elsewhere(tmp_path / "second").with_config(
            f"substituters = {place.for_nix}",
            f"trusted-public-keys = {public}",
            "require-sigs = true",
        )
        second("nix-store", "--realise", outer)
        second("nix-store", "--verify", "--check-contents")
    for made in cache.rglob("*"):
        assert made.is_dir() or made.stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize("token", ["", '" 1; }', "a b", "$x", "a\nb"])
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    done = write_tokens(tmp_path, "right", token)
    assert done.returncode == 1
    assert "token-1: this is no bearer token" in done.stderr
    assert not (tmp_path / "runtime/tokens.conf").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_has_no_complaint(nix: Nix, tmp_path: Path) -> None:
    for program in ("bin/npm2nixlite", "bin/bash"):
        (tmp_path / program).parent.mkdir(exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    (tmp_path / "nginx.service").write_text("[Service]\nExecStart=/bin/true\n")
    files = []
    for name, unit in units(nix, tmp_path).items():
        file = tmp_path / f"cache-{name}.service"
        file.write_text(render(unit))
        files.append(file)
    assert complaints(files) == ""


def test_secrets_are_credentials_and_addresses_are_taken_as_they_are(
    nix: Nix, tmp_path: Path
) -> None:
    push = units(nix, tmp_path)["push"]["serviceConfig"]
    assert push["LoadCredential"] == ["token-0:/run/keys/token", "key-0:/run/keys/secret"]
    assert '--to "s3://bucket?region=a&endpoint=b"' in push["ExecStart"]
    assert "--token-file %d/token-0 --key-file %d/key-0" in push["ExecStart"]
    gc = units(nix, tmp_path, keepRoots=None)["gc"]["serviceConfig"]["ExecStart"]
    assert gc.endswith('cache-gc "file:///srv/cache" --keep-since 26w --delete')


@pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib")
def test_the_module_sets_up_server_collection_and_pushes(nix: Nix) -> None:
    configuration = """{
      services.npm2nixlite-cache = {
        enable = true;
        program = builtins.toFile "program" "";
        host_name = "cache.example";
        token_files = [ "/run/keys/token" ];
        gc.dates = "daily";
        push = { enable = true; to = [ "https://cache.example" ]; };
      };
    }"""
    config = nix.eval(
        f"let s = import {SYSTEM} {{ nixpkgsLib = {NIXPKGS_LIB};"
        f" configuration = {configuration}; }}; in"
        " { inherit (s) failed; inherit (s.config.systemd) services tmpfiles;"
        " nginx = s.config.services.nginx.virtualHosts; }"
    )
    assert config["failed"] == []
    location = config["nginx"]["cache.example"]["locations"]["/"]["extraConfig"]
    assert "dav_methods PUT;" in location
    services = config["services"]
    assert services["npm2nixlite-cache-gc"]["startAt"] == "daily"
    assert services["npm2nixlite-cache-push"]["wantedBy"] == ["multi-user.target"]
    assert services["nginx"]["serviceConfig"]["ReadWritePaths"] == [
        "/var/lib/npm2nixlite-cache/cache",
        "/var/lib/npm2nixlite-cache/uploads",
    ]
