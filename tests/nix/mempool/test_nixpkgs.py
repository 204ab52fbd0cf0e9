"""What mempool's packages take of nixpkgs, and which nixpkgs these are made for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

MEMPOOL = ROOT / "nix/mempool"
NODE = f"(import {MEMPOOL}/nodejs.nix)"
REGISTRY = f"(import {ROOT}/nix/lib/registry.nix)"


class TestNodejs:
    @pytest.mark.parametrize(
        ("packages", "chosen"),
        [
            ('{ nodejs_16.name = "a"; nodejs_20.name = "b"; }', "a"),
            ('{ nodejs_16 = throw "removed"; nodejs_20.name = "b"; }', "b"),
            (
                (
                    '{ nodejs_16 = { name = "a"; meta.knownVulnerabilities = [ "end of life" ]; };'
                    ' nodejs_20.name = "b"; }'
                ),
                "b",
            ),
            ('{ nodejs_14.name = "a"; nodejs.name = "b"; }', "b"),
        ],
        ids=["present", "removed", "insecure", "none"],
    )
    def test_is_the_releases_or_the_next_that_is_there_and_secure(
        self, nix: Nix, packages: str, chosen: str
    ) -> None:
        assert nix.eval(f"({NODE} {packages} 16).name") == chosen


class TestRegistry:
    @pytest.mark.parametrize(
        ("packages", "base"),
        [
            (
                '{ pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz"; }',
                "https://registry.example/",
            ),
            (
                (
                    '{ pnpm.src.url = "https://forge.example/pnpm/archive/v11.0.0.tar.gz";'
                    ' pnpm_9.src.urls = [ "https://registry.example/npm/pnpm/-/pnpm-9.0.0.tgz" ]; }'
                ),
                "https://registry.example/npm/",
            ),
            (
                (
                    '{ pnpm = throw "removed";'
                    ' claude-code.src.url = "https://registry.example/@o/tool/-/tool-2.0.0.tgz"; }'
                ),
                "https://registry.example/",
            ),
            ('{ nodePackages = throw "removed"; }', None),
            ("{ }", None),
        ],
        ids=["pnpm", "pnpm is from a forge", "a scope's", "removed", "nothing"],
    )
    def test_is_that_of_the_first_tool_which_is_published_there(
        self, nix: Nix, packages: str, base: str | None
    ) -> None:
        assert nix.eval(f"{REGISTRY} {packages}") == base


class TestOldestNixpkgs:
    @pytest.mark.parametrize("release", ["24.05", "24.11", "26.05"])
    def test_newer_ones_are_taken(self, nix: Nix, release: str) -> None:
        found = f'import {MEMPOOL}/oldest-nixpkgs.nix {{ lib.trivial.release = "{release}"; }}'
        assert nix.eval(found) is True

    def test_an_older_one_is_refused_with_what_to_do(self, nix: Nix) -> None:
        done = nix.run(
            *("nix-instantiate", "--eval", "--expr"),
            f'(import {MEMPOOL} {{ pkgs.lib.trivial.release = "23.11"; registry = null; }}).latest',
            check=False,
        )
        assert done.returncode != 0
        assert "need nixpkgs 24.05 or newer, and this one is 23.11" in done.stderr
        assert "services.mempool.packages" in done.stderr


class TestDefaultRelease:
    @pytest.mark.parametrize("state", ["23.11", "25.05", "26.05"])
    def test_of_a_state_stays_what_it_is(self, nix: Nix, state: str) -> None:
        # Another release here is another line there, for later states; these keep theirs.
        assert nix.eval(f'import {MEMPOOL}/default-release.nix "{state}"') == "3.3.1"

    def test_is_a_known_one(self, nix: Nix) -> None:
        default = nix.eval(f'import {MEMPOOL}/default-release.nix "99.11"')
        assert default in nix.eval(f"builtins.attrNames (import {MEMPOOL}/releases.nix)")


class TestCrates:
    # What is unpacked, with what was asked of the fetcher in the place of its result.
    COMMAND = """(import MEMPOOL (OPTIONS // {
      pkgs = import ROOT/tests/nix/pkgs.nix // {
        fetchurl = arguments: { outPath = builtins.toJSON arguments; };
        runCommand = _: _: command: command;
        rustPlatform.buildRustPackage = arguments: arguments.cargoDeps;
      };
    })).latest.mempool-rust-gbt"""

    def fetched(self, nix: Nix, options: str) -> list[dict[str, str]]:
        expression = self.COMMAND.replace("MEMPOOL", str(MEMPOOL)).replace("ROOT", str(ROOT))
        command = nix.eval(expression.replace("OPTIONS", options))
        return [
            json.loads(line.split("tar -xzf ")[1].split(" --strip")[0])
            for line in command.splitlines()
            if "tar -xzf" in line
        ]

    def test_come_from_the_server_that_answers_every_client(self, nix: Nix) -> None:
        crates = self.fetched(nix, "{ }")
        assert len(crates) > 50
        for crate in crates:
            name, version = re.fullmatch(r"(.+?)-(\d.*)\.tar\.gz", crate["name"]).groups()  # type: ignore[union-attr]
            # The store path is that of nixpkgs' own fetchCrate, which has this name.
            assert crate["url"].endswith(f"/crates/{name}/{name}-{version}.crate")
            assert crate["url"].startswith("https://static.")
            assert set(crate) == {"name", "url", "sha256"}

    def test_may_come_from_a_mirror(self, nix: Nix) -> None:
        crates = self.fetched(nix, '{ crates = "https://mirror.example"; }')
        assert all(crate["url"].startswith("https://mirror.example/") for crate in crates)
