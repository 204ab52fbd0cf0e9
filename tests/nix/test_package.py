"""The program's own package."""

from __future__ import annotations

import re
import tomllib

from tests.support.projects import ROOT


def test_it_has_what_the_program_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split("[^a-z0-9-]", line)[0] for line in project["dependencies"]}
    text = (ROOT / "nix/package.nix").read_text()
    given = set(re.findall("python3Packages.([a-z0-9-]+)\n", text.partition("dependencies =")[2]))
    assert given == wanted
