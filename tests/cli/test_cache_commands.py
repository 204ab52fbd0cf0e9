"""``npm2nixlite cache-check`` and ``cache-gc`` as their users run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.store.narinfo import parse
from tests.binarycache.closures import build
from tests.binarycache.places import nginx
from tests.cli.caches import Project, generated
from tests.support.nix import NixElsewhere
from tests.support.projects import Run, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture
def project(home: Path, registry: Registry) -> Project:
    return generated(home, registry)


def collect(project: Project, *arguments: str | Path) -> Run:
    return run_program("cache-gc", *arguments, home=project.home)


def url(file: Path) -> str:
    return parse(file.read_text()).url


@pytest.mark.nix
def test_damage_is_told_and_repaired_from_the_download_cache_and_the_local_store(
    project: Project, tmp_path: Path
) -> None:
    """Consumers of what is damaged fail; of what is repaired, they do not."""
    nix = NixElsewhere(tmp_path / "first")
    outer = build(nix, tmp_path)
    cache = project.home / "cache-here"
    key = project.home / "key"
    key.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "cache.example-1"))
    public = nix.line("sh", "-c", f"nix key convert-secret-to-public < {key}")
    to = ("--to", f"file://{cache}", "--key-file", key)
    assert project.run("push", *to, project.file, outer, **nix.environment).status == 0
    whole = project.run("cache-check", f"file://{cache}", "--deep", "--key", public)
    assert (whole.status, whole.stderr) == (0, "")
    assert "6 paths: 0 with faults" in whole.stdout
    narinfos = {file: parse(file.read_text()) for file in cache.glob("*.narinfo")}
    tarball, other = sorted(file for file, info in narinfos.items() if info.path.name[0] in "bp")[
        :2
    ]
    [tree] = [file for file, info in narinfos.items() if info.path.name == "tree"]
    [inner] = [file for file, info in narinfos.items() if info.path.name == "inner"]
    (cache / url(tarball)).unlink()
    damaged = cache / url(other)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    (cache / url(tree)).write_bytes(b"cut")
    inner.unlink()
    before = project.run("cache-check", f"file://{cache}", "--json")
    assert before.status == 1
    assert {entry["path"] for entry in before.json["faults"]} == {
        str(narinfos[file].path) for file in (tarball, tree)
    } | {outer}
    second = nix.elsewhere(tmp_path / "second").with_config(
        f"substituters = file://{cache}", f"trusted-public-keys = {public}", "require-sigs = true"
    )
    assert second.run("nix-store", "--realise", outer, check=False).returncode != 0
    repair = ("--deep", "--repair", "--key-file", key)
    run = project.run("cache-check", f"file://{cache}", *repair, **nix.environment)
    assert run.status == 0, run.stdout + run.stderr
    assert "4 with faults, 4 repaired" in run.stdout
    after = project.run("cache-check", f"file://{cache}", "--deep", "--key", public)
    assert (after.status, after.stdout.count("fault")) == (0, 1), after.stdout
    second("nix-store", "--realise", outer)
    assert sorted(project.build(second)) == project.paths


def test_over_http_a_projects_paths_are_looked_at(project: Project, tmp_path: Path) -> None:
    with nginx(tmp_path / "server") as place:
        assert project.run("push", "--to", place.address, project.file).status == 0
        run = project.run("cache-check", place.address, project.directory)
        assert run.status == 0, run.stderr
        assert "3 paths: 0 with faults" in run.stdout
        everything = project.run("cache-check", place.address)
        assert everything.status == 2
        assert "autoindex_format json" in everything.stderr
        nar = next((tmp_path / "server/www/nar").iterdir())
        nar.unlink()
        run = project.run("cache-check", place.address, project.directory, "--repair", "--json")
        assert run.status == 0
        assert [entry["repaired"] for entry in run.json["faults"]] == [True]
        assert nar.exists()


def test_a_collection_says_what_it_would_remove_and_removes_it_when_told(
    project: Project,
) -> None:
    cache = project.home / "cache-here"
    project.run("push", "--to", f"file://{cache}", project.file)
    roots = project.home / "roots"
    roots.write_text(f"# what is in use\n\n{project.paths[0]}  # the first\n")
    keep = (f"file://{cache}", "--keep-roots", roots)
    assert "0 paths" in collect(project, *keep).stdout
    dry = collect(project, *keep, "--grace", "0d", "--json")
    assert dry.json["dryRun"]
    assert sorted(dry.json["paths"]) == project.paths[1:]
    assert len(list(cache.glob("*.narinfo"))) == 3
    run = collect(project, *keep, "--grace", "0d", "--delete")
    assert run.status == 0, run.stderr
    assert "2 paths and 2 files" in run.stdout
    assert "removed; 1 kept" in run.stdout
    assert [project.paths[0][11:43]] == [file.stem for file in cache.glob("*.narinfo")]
    assert project.run("cache-check", f"file://{cache}").status == 0
    assert "2 sent" in project.run("push", "--to", f"file://{cache}", project.file).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing says what is to be kept"),
        (("--keep-since", "yesterday"), "is no date"),
        (("--grace", "1y"), "is no duration"),
        (("--keep-roots", "absent"), "the roots cannot be read"),
        (("--keep-roots", "roots"), "is no store path"),
    ],
)
def test_a_collection_that_is_told_nonsense_removes_nothing(
    project: Project, arguments: tuple[str, ...], says: str
) -> None:
    cache = project.home / "cache-here"
    project.run("push", "--to", f"file://{cache}", project.file)
    (project.home / "roots").write_text("result\n")
    run = collect(project, f"file://{cache}", *arguments, "--delete")
    assert run.status == 2
    assert says in run.stderr
    assert len(list(cache.glob("*.narinfo"))) == 3


def test_a_collection_over_http_is_refused(project: Project) -> None:
    address = "http://127.0.0.1:1"
    run = collect(project, address, "--keep-since", "90d", "--delete")
    assert run.status == 2
    assert "run it where the files are" in run.stderr
