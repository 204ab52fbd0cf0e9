"""Registries that want credentials, and what a run with a secret may show of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.support.projects import Run, locked, run_program
from tests.support.registry import Answer, Registry, Request
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "SECRET",
    "assert_nowhere",
    "base64_of",
    "basic",
    "demand",
    "generate",
    "place",
    "publish",
]

SECRET = "npm_verySecretToken"


def generate(home: Path, project: Path, *arguments: str | Path, **env: str) -> Run:
    return run_program(
        *("generate", project, "--cache-dir", home / "cache", "--retries", "0", *arguments),
        home=home,
        **env,
    )


def demand(registry: Registry, header: str) -> None:
    """Have everything the registry serves want this Authorization."""

    def guarded(good: Any) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            allowed = request.headers.get("Authorization") == header
            return good if allowed else Answer(401)

        return answer

    for path, good in list(registry.answers.items()):
        registry.answers[path] = guarded(good)


def publish(registry: Registry, name: str = "a") -> dict[str, Any]:
    return {f"node_modules/{name}": locked(integrity=sri(registry.publish(name)))}


def place(registry: Registry) -> str:
    return registry.base.partition(":")[2]


def assert_nowhere(secret: str, home: Path, *runs: Run) -> None:
    """A secret is in no output, no generated file and nothing of the cache."""
    for run in runs:
        assert secret not in run.stdout + run.stderr
    for file in home.rglob("*"):
        if file.is_file() and file.name != ".npmrc":
            assert secret.encode() not in file.read_bytes(), file
        assert secret not in str(file)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def basic(text: str) -> str:
    return f"Basic {base64_of(text)}"
