"""The command as its users run it: a process of its own, on real projects, over real HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.projects import Run, locked, run_program, write_lock
from tests.support.registry import Answer, Registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(home: Path) -> Path:
    return home / "project"


def generate(home: Path, registry: Registry, *arguments: str | Path, **env: str) -> Run:
    cache = home / "cache"
    return run_program(
        *("generate", "--registry", registry.base, "--cache-dir", cache, "--retries", "0"),
        *arguments,
        home=home,
        **env,
    )


def publish(registry: Registry, *names: str) -> dict[str, Any]:
    """Publish packages; returns a lock's entries for them."""
    return {f"node_modules/{name}": locked(integrity=sri(registry.publish(name))) for name in names}


def test_a_project_is_translated_and_the_second_run_opens_no_connection(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, publish(registry, "a", "@s/b"))
    first = generate(home, registry, project)
    assert first.status == 0, first.stderr
    assert "written (2 install paths, 2 tarballs)" in first.stdout
    assert "2 packages: 2 fetched" in first.stdout
    text = (project / "node-packages.nix").read_text()
    assert 'path = "@s/b/-/b-1.0.0.tgz"' in text
    connections = registry.connections
    second = generate(home, registry, project)
    assert second.status == 0
    assert "up to date" in second.stdout
    assert "2 from cache" in second.stdout
    assert registry.connections == connections
    assert (project / "node-packages.nix").read_text() == text


def test_what_several_projects_share_is_fetched_once(home: Path, registry: Registry) -> None:
    shared = publish(registry, "a", "b")
    write_lock(home / "one", shared)
    write_lock(home / "two", {**shared, **publish(registry, "c")})
    run = generate(home, registry, home / "one", home / "two")
    assert run.status == 0, run.stderr
    assert sorted(registry.paths()) == [f"/{name}/-/{name}-1.0.0.tgz" for name in "abc"]
    assert (home / "one/node-packages.nix").exists()
    assert (home / "two/node-packages.nix").exists()


def test_the_default_registry_is_the_locks_own_unless_it_is_to_be_omitted(
    home: Path, project: Path, registry: Registry
) -> None:
    entries = publish(registry, "a")
    entries["node_modules/a"]["resolved"] = f"{registry.base}a/-/a-1.0.0.tgz"
    write_lock(project, entries)
    output = project / "node-packages.nix"
    command = ("generate", "--cache-dir", home / "cache", project)
    assert run_program(*command, home=home).status == 0
    assert f'registry ? "{registry.base}",' in output.read_text()
    for flag in ("--omit-registry-resolved", "--omit-lockfile-registry-resolved"):
        output.unlink()
        assert run_program(*command, flag, home=home).status == 0
        assert "  registry,\n" in output.read_text()
        assert registry.base not in output.read_text()
    output.unlink()
    (project / ".npmrc").write_text("omit-lockfile-registry-resolved=true\n")
    assert run_program(*command, home=home).status == 0
    assert registry.base not in output.read_text()


def test_the_registry_comes_from_npmrc_and_credentials_go_with_it(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, publish(registry, "a"))
    host = registry.base.removeprefix("http:")
    (project / ".npmrc").write_text(f"registry={registry.base}\n{host}:_authToken=${{TOKEN}}\n")
    run = run_program(
        "generate", project, "--cache-dir", home / "cache", home=home, TOKEN="top-secret"
    )
    assert run.status == 0, run.stderr
    assert registry.requests[0].headers["Authorization"] == "Bearer top-secret"
    assert "top-secret" not in run.stdout + run.stderr
    assert "top-secret" not in (project / "node-packages.nix").read_text()


def test_check_writes_nothing_and_names_what_changed(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, publish(registry, "a", "b", "c"))
    output = project / "node-packages.nix"
    missing = generate(home, registry, "--check", project)
    assert missing.status == 1
    assert "the file is missing" in missing.stdout
    assert not output.exists()
    assert generate(home, registry, project).status == 0
    assert generate(home, registry, "--check", project).status == 0
    before = output.read_bytes()
    data = registry.publish("a", "2.0.0")
    entries = {
        "node_modules/a": locked("2.0.0", integrity=sri(data)),
        **publish(registry, "b", "d"),
    }
    entries["node_modules/b"]["dev"] = True
    write_lock(project, entries)
    stale = generate(home, registry, "--check", project)
    assert stale.status == 1
    assert output.read_bytes() == before
    for line in (
        "added    node_modules/d 1.0.0",
        "removed  node_modules/c 1.0.0",
        "changed  node_modules/a 1.0.0 → 2.0.0 (major)",
        "changed  node_modules/b 1.0.0 (hash, address or flags)",
    ):
        assert line in stale.stdout
    machine = generate(home, registry, "--check", "--json", project)
    assert machine.status == 1
    (state,) = machine.json["projects"]
    assert state["state"] == "stale"
    assert state["changes"]["changed"]["node_modules/a"] == ["1.0.0", "2.0.0"]
    assert state["changes"]["bumps"] == {"node_modules/a": "major"}


def test_a_version_bump_changes_one_line_for_each_install_path(
    home: Path, project: Path, registry: Registry
) -> None:
    entries = publish(registry, "a", "b", "c")
    entries["node_modules/b/node_modules/a"] = entries["node_modules/a"]
    write_lock(project, entries)
    output = project / "node-packages.nix"
    assert generate(home, registry, project).status == 0
    before = output.read_text().splitlines()
    bumped = locked("1.0.1", integrity=sri(registry.publish("a", "1.0.1")))
    write_lock(
        project, {**entries, "node_modules/a": bumped, "node_modules/b/node_modules/a": bumped}
    )
    assert generate(home, registry, project).status == 0
    after = output.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    # The two install paths, and the hash of the lock itself.
    assert len(changed) == 3
    assert sum("a/-/a-1.0.1.tgz" in line for line in changed) == 2
    assert sum("lockHash" in line for line in changed) == 1


def test_the_bytes_do_not_depend_on_cache_hash_seed_locale_or_order_of_arrival(
    home: Path, project: Path, registry: Registry
) -> None:
    names = [f"p{number}" for number in range(40)]
    write_lock(project, publish(registry, *names))
    outputs = []
    for number, env in enumerate(
        (
            {"PYTHONHASHSEED": "1", "LC_ALL": "C"},
            {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
            {"PYTHONHASHSEED": "3", "LANG": "tr_TR.UTF-8"},
        )
    ):
        for name in names[number::3]:  # these arrive late
            path = f"/{name}/-/{name}-1.0.0.tgz"
            answer = registry.answers[path]
            assert isinstance(answer, Answer)
            registry.answers[path] = Answer(body=answer.body, stall=0.2)
        output = home / f"out-{number}.nix"
        cache = home / f"cache-{number % 2}"  # the third run's is warm
        run = generate(home, registry, project, "-o", output, "--cache-dir", cache, **env)
        assert run.status == 0, run.stderr
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]


def test_an_address_that_the_lock_omits_is_looked_up_where_the_convention_fails(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("a", path="/elsewhere/a.tgz")
    write_lock(project, {"node_modules/a": locked(integrity=sri(data))})
    assert generate(home, registry, project).status == 0
    text = (project / "node-packages.nix").read_text()
    assert 'path = "elsewhere/a.tgz"' in text
    connections = registry.connections
    assert generate(home, registry, "--check", project).status == 0
    assert registry.connections == connections


def test_a_hash_that_the_lock_omits_comes_from_the_registry_and_this_is_said(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("@s/a")
    write_lock(project, {"node_modules/@s/a": locked()})
    run = generate(home, registry, "-v", project)
    assert run.status == 0, run.stderr
    assert "1 package without a hash in the lock: the registry's metadata decided" in run.stdout
    assert "@s/a@1.0.0" in run.stdout
    assert sri(data) in (project / "node-packages.nix").read_text()
    connections = registry.connections
    again = generate(home, registry, "--json", project)
    assert again.json["fetch"]["hashFromRegistry"] == ["@s/a@1.0.0"]
    assert registry.connections == connections


def test_a_tarball_that_is_not_what_the_registry_says_is_refused(
    home: Path, project: Path, registry: Registry
) -> None:
    registry.publish("a")
    registry.answers["/a/-/a-1.0.0.tgz"] = Answer(body=b"something else")
    write_lock(project, {"node_modules/a": locked()})
    run = generate(home, registry, project)
    assert run.status == 3
    assert "wrong content" in run.stderr


def test_a_hash_that_nobody_gives_is_computed_with_a_warning(
    home: Path, project: Path, registry: Registry
) -> None:
    registry.answers["/files/a.tgz"] = Answer(body=b"tarball")
    url = f"{registry.base}files/a.tgz"
    write_lock(project, {"node_modules/a": locked(resolved=url)})
    run = generate(home, registry, project)
    assert run.status == 0, run.stderr
    assert "warning: neither lock nor registry vouches" in run.stderr
    assert url in run.stderr
    assert sri(b"tarball") in (project / "node-packages.nix").read_text()


def test_a_tarball_with_a_sha1_here_and_a_sha512_there_is_fetched_once(
    home: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    write_lock(home / "one", {"node_modules/a": locked(integrity=sri(data, "sha1"))})
    write_lock(home / "two", {"node_modules/a": locked(integrity=sri(data))})
    run = generate(home, registry, home / "one", home / "two")
    assert run.status == 0, run.stderr
    assert "1 package: 1 fetched" in run.stdout
    assert len(registry.requests) == 1
    for name in ("one", "two"):
        assert sri(data) in (home / name / "node-packages.nix").read_text()
    write_lock(home / "three", {"node_modules/a": locked(integrity=sri(b"other", "sha1"))})
    run = run_program(
        *("generate", "--registry", registry.base, "--cache-dir", home / "new", "--retries", "0"),
        *(home / "one", home / "two", home / "three"),
        home=home,
    )
    assert run.status == 3  # each hash that any lock gives has to hold


def test_a_sha1_is_verified_and_written_as_sha512(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    write_lock(project, {"node_modules/a": locked(integrity=sri(data, "sha1"))})
    run = generate(home, registry, project)
    assert run.status == 0, run.stderr
    assert "1 package with only a sha1 in the lock" in run.stdout
    assert sri(data) in (project / "node-packages.nix").read_text()
    connections = registry.connections
    assert generate(home, registry, project).status == 0
    assert registry.connections == connections
    write_lock(project, {"node_modules/a": locked(integrity=sri(b"other", "sha1"))})
    assert generate(home, registry, project).status == 3


def test_every_hash_that_any_entry_gives_must_hold(
    home: Path, project: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    good = {
        "node_modules/a": locked(integrity=f"{sri(data, 'sha1')} {sri(data)}"),
        "node_modules/b/node_modules/a": locked(integrity=sri(data, "sha256")),
    }
    write_lock(project, good)
    assert generate(home, registry, project).status == 0
    good["node_modules/b/node_modules/a"] = locked(integrity=sri(b"other", "sha384"))
    write_lock(project, good)
    run = generate(home, registry, project)
    assert run.status == 3
    assert "sha384" in run.stderr


def test_trust_lock_fetches_only_what_has_no_sha512(
    home: Path, project: Path, registry: Registry
) -> None:
    entries = publish(registry, "a")
    entries["node_modules/b"] = locked(integrity=sri(registry.publish("b"), "sha1"))
    write_lock(project, entries)
    run = generate(home, registry, "--trust-lock", project)
    assert run.status == 0, run.stderr
    assert registry.paths() == ["/b/-/b-1.0.0.tgz"]
    assert "1 trusted to the lock" in run.stdout


def test_a_lock_that_contradicts_itself_is_not_trusted(
    home: Path, project: Path, registry: Registry
) -> None:
    entries = publish(registry, "a")
    other = {"node_modules/b/node_modules/a": locked(integrity=sri(b"other"))}
    write_lock(project, {**entries, **other})
    assert generate(home, registry, "--trust-lock", project).status == 3


def test_offline_uses_the_cache_only(home: Path, project: Path, registry: Registry) -> None:
    entries = publish(registry, "a")
    write_lock(project, entries)
    assert generate(home, registry, project).status == 0
    assert generate(home, registry, "--offline", project).status == 0
    write_lock(project, {**entries, **publish(registry, "b")})
    connections = registry.connections
    run = generate(home, registry, "--offline", project)
    assert run.status == 3
    assert "b@1.0.0 (node_modules/b): not in the cache" in run.stderr
    assert registry.connections == connections


def test_a_lock_with_blockers_still_generates(
    home: Path, project: Path, registry: Registry
) -> None:
    git = {"version": "1.0.0", "resolved": "git+https://forge.example/g.git#c0ffee"}
    write_lock(project, {**publish(registry, "a"), "node_modules/g": git})
    run = generate(home, registry, project)
    assert run.status == 0, run.stderr
    assert "1 blocker" in run.stderr
    assert "node_modules/g: git dependency" in run.stderr
    assert "canonical = false;" in (project / "node-packages.nix").read_text()


def test_json_is_the_only_thing_on_stdout(home: Path, project: Path, registry: Registry) -> None:
    write_lock(project, publish(registry, "a"))
    run = generate(home, registry, "--json", project)
    summary = json.loads(run.stdout)
    assert summary["projects"][0]["state"] == "written"
    assert summary["projects"][0]["canonical"] is True
    assert summary["fetch"]["fetched"] == 1
    assert summary["fetch"]["fetchedBytes"] > 0
    failed = generate(home, registry, "--json", home / "nowhere")
    assert failed.json["error"]["exitStatus"] == 2


def test_progress_is_shown_where_it_is_asked_for(
    home: Path, project: Path, registry: Registry
) -> None:
    write_lock(project, publish(registry, "a"))
    assert generate(home, registry, project, "--no-progress").stderr == ""
    run = generate(home, registry, project, "--progress", "--cache-dir", home / "other")
    assert "fetching" in run.stderr
    assert "0/1" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such project"),
        (["empty"], "no lock in this directory"),
        (["one", "two", "-o", "x.nix"], "one output file for 2 projects"),
        (["one", "-o", "missing/x.nix"], "cannot be written"),
        (["one", "--registry", "registry.example"], "no registry base"),
        (["one", "--npmrc", "missing"], "no such file"),
        (["one", "--connections", "0"], "at least 1"),
        (["one", "--timeout", "0"], "no number of seconds"),
        (["one", "--retries", "-1"], "--retries"),
    ],
)
def test_wrong_usage_is_status_2_with_a_clear_message(
    home: Path, arguments: list[str], message: str
) -> None:
    (home / "empty").mkdir()
    write_lock(home / "one", {})
    write_lock(home / "two", {})
    run = run_program("generate", *arguments, home=home)
    assert run.status == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_bad_input_in_one_project_leaves_all_outputs_alone(home: Path, registry: Registry) -> None:
    write_lock(home / "good", publish(registry, "a"))
    (home / "good/node-packages.nix").write_text("as it was")
    write_lock(home / "bad", {"node_modules/x": locked("no version")})
    run = generate(home, registry, home / "good", home / "bad")
    assert run.status == 2
    assert str(home / "bad/package-lock.json") in run.stderr
    assert "node_modules/x" in run.stderr
    assert (home / "good/node-packages.nix").read_text() == "as it was"
    assert list((home / "good").glob(".*")) == []


def test_debug_shows_a_traceback_and_otherwise_there_is_none(home: Path) -> None:
    assert "Traceback" not in run_program("generate", "nowhere", home=home).stderr
    assert "Traceback" in run_program("generate", "nowhere", "--debug", home=home).stderr


def test_help_and_version_tell_what_there_is(home: Path) -> None:
    assert run_program("--version", home=home).stdout.startswith("npm2nixlite ")
    assert "generate" in run_program("--help", home=home).stdout
    help_text = run_program("generate", "--help", home=home).stdout
    for option in ("--check", "--offline", "--trust-lock", "--cache-dir", "--npmrc", "--json"):
        assert option in help_text
