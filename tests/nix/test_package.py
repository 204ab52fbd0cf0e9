"""The program's own package."""

from __future__ import annotations

import re
import tomllib

from tests.support.projects import ROOT


def test_it_has_what_the_program_imports_to_the_last_option() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["push"] + extras["s3"]
    wanted = {re.split("[^a-z0-9-]", line)[0] for line in lines}
    text = (ROOT / "nix/python-dependencies.nix").read_text()
    assert set(re.findall(r"python\.([a-z0-9-]+)\n", text)) == wanted
