"""npm's own modules, wherever the installed npm keeps them: below it, or as Debian's packages."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["ask_npm", "npm_module"]


@cache
def _resolved(name: str) -> str:
    command = shutil.which("npm")
    assert command is not None
    script = (
        "const [npm, name] = process.argv.slice(1);"
        "console.log(require('module').createRequire(npm).resolve(name));"
    )
    done = subprocess.run(
        ["node", "-e", script, str(Path(command).resolve()), name],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def npm_module(name: str) -> str:
    """What to ``require`` for a module of npm's, such as ``pacote``."""
    return _resolved(name)


def ask_npm(script: str, data: Any, *modules: str) -> Any:
    """What a script answers to data, both JSON.

    Args:
        script: In it, ``data`` is the data, and ``MODULES[NAME]`` a module of npm's.
        data: For it.
        modules: The names of the modules.
    """
    paths = {name: npm_module(name) for name in modules}
    frame = (
        f"const MODULES = Object.fromEntries(Object.entries({json.dumps(paths)})"
        ".map(([name, path]) => [name, require(path)]));\n"
        "const data = JSON.parse(require('fs').readFileSync(0));\n"
    )
    done = subprocess.run(
        ["node", "-e", frame + script], input=json.dumps(data), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
