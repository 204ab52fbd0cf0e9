from pathlib import Path
from typing import Any

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.review.why import explain
from tests.support.projects import locked, run_program, write_lock


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root: dict[str, Any] = {
        "name": "shop",
        "dependencies": {"a": "^1.0.0", "b": "1.x"},
        "devDependencies": {"d": "*"},
        "workspaces": ["packages/w"],
    }
    write_lock(
        tmp_path,
        {
            "": root,
            "node_modules/a": locked("1.2.0", dependencies={"c": "~3.1.0"}),
            "node_modules/b": locked("1.0.0", dependencies={"c": "2", "a": "1"}),
            "node_modules/b/node_modules/c": locked("2.0.0"),
            "node_modules/c": locked("3.1.4"),
            "node_modules/d": locked("4.0.0", peerDependencies={"a": ">=1"}),
            "node_modules/lonely": locked("1.0.0"),
            "node_modules/w": {"resolved": "packages/w", "link": True},
            "packages/w": {"name": "w", "version": "5.0.0", "dependencies": {"c": "^3.0.0"}},
        },
    )
    return tmp_path


def told(project: Path, package: str) -> list[str]:
    found = explain(read_lock(project / "package-lock.json"), package)
    return [line for item in found for line in item.lines()]


def test_every_way_from_the_project_is_told_with_its_ranges(project: Path) -> None:
    assert told(project, "c@3.1.4") == [
        "c@3.1.4 (node_modules/c)",
        "  '~3.1.0' of a@1.2.0 (node_modules/a)",
        "    '^1.0.0' of the project shop",
        "    '1' of b@1.0.0 (node_modules/b)",
        "      '1.x' of the project shop",
        "    peer '>=1' of d@4.0.0 (node_modules/d)",
        "      dev '*' of the project shop",
        "  '^3.0.0' of w@5.0.0 (packages/w)",
        "    workspace 'packages/w' of the project shop",
    ]


def test_a_name_means_each_of_its_install_paths(project: Path) -> None:
    assert [line for line in told(project, "c") if not line.startswith(" ")] == [
        "c@2.0.0 (node_modules/b/node_modules/c)",
        "c@3.1.4 (node_modules/c)",
    ]
    assert told(project, "node_modules/b/node_modules/c")[1] == "  '2' of b@1.0.0 (node_modules/b)"


def test_what_nobody_asks_for_is_said_to_be_extraneous(project: Path) -> None:
    assert told(project, "lonely")[1] == "  nobody asks for it: it is extraneous"


def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    write_lock(
        tmp_path,
        {
            "": {"dependencies": {"a": "1"}},
            "node_modules/a": locked(dependencies={"b": "1"}),
            "node_modules/b": locked(dependencies={"a": "1", "c": "1"}),
            "node_modules/c": locked(),
        },
    )
    assert told(tmp_path, "c") == [
        "c@1.0.0 (node_modules/c)",
        "  '1' of b@1.0.0 (node_modules/b)",
        "    '1' of a@1.0.0 (node_modules/a)",
        "      '1' of the project",
        "      '1' of b@1.0.0 (node_modules/b), see above",
    ]


@pytest.mark.parametrize("package", ["nonesuch", "c@9.9.9", "node_modules/z"])
def test_a_package_that_is_not_there_is_refused(project: Path, package: str) -> None:
    with pytest.raises(InputError, match=f"there is no {package} in the lock"):
        told(project, package)


def test_a_lock_of_version_1_does_not_say(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text(
        '{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}}'
    )
    with pytest.raises(InputError, match="version 1 does not say"):
        told(tmp_path, "a")


def test_the_command_tells_people_and_programs(project: Path) -> None:
    run = run_program("why", "lonely", project, home=project)
    assert run.stdout.startswith("lonely@1.0.0 (node_modules/lonely)\n")
    run = run_program("why", "a", project, "--json", home=project)
    (found,) = run.json["found"]
    assert found["install_path"] == "node_modules/a"
    assert found["askers"]["node_modules/a"][0]["wanted"] == "^1.0.0"
    assert run_program("why", "zzz", project, home=project).status == 2
