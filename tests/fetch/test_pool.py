"""Many tarballs at once from one server, as the program fetches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.fetch.job import Failure, Fetched, FetchOptions, Job
from npm2nixlite.fetch.pool import fetch_all
from npm2nixlite.integrity import parse_integrity
from tests.support.certificates import make_authority
from tests.support.registry import Answer, Registry, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from npm2nixlite.config.registry import RegistryConfig

NAMES = [f"p{n}" for n in range(60)]
LARGE = 3_000_000  # bytes; taken off the event loop
OPTIONS = FetchOptions(connections=8, retries=0, timeout=10, processes=1)


@pytest.fixture(params=["http", "https"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    tls = make_authority(tmp_path / "ca").server_context() if request.param == "https" else None
    with serve_registry("/npm/", tls) as registry:
        yield registry


def configured(registry: Registry, directory: Path) -> RegistryConfig:
    place = registry.base.partition(":")[2]
    lines = [f"registry={registry.base}", f"{place}:_authToken=secret"]
    if registry.base.startswith("https"):
        lines.append(f"cafile={directory / 'ca/ca.pem'}")
    (directory / ".npmrc").write_text("\n".join(lines))
    return load_registry_config(directory, environment={"HOME": str(directory)})


def jobs(registry: Registry, config: RegistryConfig) -> list[Job]:
    made = []
    for n, name in enumerate(NAMES):
        path = f"/npm/{name}/-/{name}-1.0.0.tgz"
        data = registry.publish(name, size=LARGE if n % 10 == 0 else 10 * n, path=path)
        integrities = parse_integrity(sri(data))
        url = f"{registry.base}{path.removeprefix('/npm/')}"
        made.append(Job(name, url, integrities, (name, "1.0.0"), registry.base, False, config))
    return made


def test_each_is_asked_for_once_and_arrives_whole(registry: Registry, tmp_path: Path) -> None:
    wanted = jobs(registry, configured(registry, tmp_path))
    cache = Cache(tmp_path / "cache")
    news: list[tuple[int, int]] = []
    outcomes = fetch_all(wanted, cache, OPTIONS, lambda *more: news.append(more))
    sizes = 0
    for job, outcome in zip(wanted, outcomes, strict=True):
        assert isinstance(outcome, Fetched)
        (integrity,) = job.integrities
        content = cache.path(integrity).read_bytes()
        assert sri(content) == str(integrity)
        sizes += len(content)
    assert sorted(registry.paths()) == sorted(f"/npm/{n}/-/{n}-1.0.0.tgz" for n in NAMES)
    assert {request.headers["Authorization"] for request in registry.requests} == {"Bearer secret"}
    # The first one finds out how the server answers; it is closed when the others are opened.
    assert registry.connections <= OPTIONS.connections + 1
    assert (sum(n for n, _ in news), sum(size for _, size in news)) == (len(wanted), sizes)
    assert not list((tmp_path / "cache/partial").glob("*/*"))


def test_failures_in_between_fail_alone(registry: Registry, tmp_path: Path) -> None:
    wanted = jobs(registry, configured(registry, tmp_path))
    bad = {
        "p7": Answer(404, b"not here"),
        "p20": Answer(body=b"x" * LARGE, sent=2_000_000),
        "p33": Answer(body=b"something else"),
    }
    for name, answer in bad.items():
        registry.answers[f"/npm/{name}/-/{name}-1.0.0.tgz"] = answer
    outcomes = dict(zip(NAMES, fetch_all(wanted, Cache(tmp_path / "cache"), OPTIONS), strict=True))
    reasons = {name: o.reason for name, o in outcomes.items() if isinstance(o, Failure)}
    assert reasons.keys() == bad.keys()
    assert reasons["p7"] == "HTTP 404 Not Found"
    assert reasons["p20"] == "the body was cut short"
    assert reasons["p33"].startswith("wrong content: expected sha512-")
    assert not list((tmp_path / "cache/partial").glob("*/*"))
