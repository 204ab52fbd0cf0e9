"""From plans to pins: from the cache, from this machine, else from the network."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.agreement.decision import Decision
from npm2nixlite.cache import Cache
from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.integrity import Integrity
from npm2nixlite.lock.parse import parse_lock
from npm2nixlite.node_packages.model import Pin
from npm2nixlite.plan import Address, plan_lock
from npm2nixlite.sources.resolve import Resolution, Wanted, lacking, resolve
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.progress import Progress
    from tests.support.registry import Registry

OPTIONS = FetchOptions(retries=0, timeout=20)
PATH = "a/-/a-1.0.0.tgz"


class Yard:
    """A registry, a cache, and projects that a configuration holds for."""

    def __init__(self, home: Path, registry: Registry) -> None:
        self.cache, self.registry, self.home = Cache(home / "cache"), registry, home

    def wanted(self, entries: dict[str, dict[str, Any]], *, forced: bool = True) -> Wanted:
        content = json.dumps({"lockfileVersion": 3, "packages": entries}).encode()
        lock = parse_lock(content, "package-lock.json")
        base = self.registry.base if forced else None
        # Nothing of the machine's own is looked at.
        settings = {"npm_config_cache": str(self.home / "npm")}
        config = load_registry_config(self.home, environment=settings, registry=base)
        return Wanted(plan_lock(lock, config.scope_registry), config, Decision(lock))

    def resolve(self, *projects: Wanted, **options: Any) -> Resolution:
        return resolve(projects, self.cache, OPTIONS, **{"elsewhere": False, **options})


@pytest.fixture
def yard(home: Path, registry: Registry) -> Yard:
    return Yard(home, registry)


def entry(integrity: str | None = None, **fields: object) -> dict[str, Any]:
    known = {} if integrity is None else {"integrity": integrity}
    return {"version": "1.0.0", **known, **fields}


def sha512(data: bytes) -> Integrity:
    return Integrity.of("sha512", hashlib.sha512(data).digest())


def relative(path: str = PATH) -> Address:
    return Address(path, relative=True)


def test_what_is_fetched_is_pinned_and_then_known(yard: Yard) -> None:
    data = yard.registry.publish("a")
    wanted = yard.wanted(
        {"node_modules/a": entry(sri(data)), "node_modules/b/node_modules/a": entry(sri(data))}
    )
    totals: list[int] = []
    steps: list[int] = []

    def start(total: int) -> Any:
        totals.append(total)
        return lambda items, _size: steps.append(items)

    progress: Progress = start
    found = yard.resolve(wanted, progress=progress)
    pin = Pin(relative(), sha512(data))
    assert found.pins == ({"node_modules/a": pin, "node_modules/b/node_modules/a": pin},)
    summary = found.summary
    assert (summary.packages, summary.fetched, summary.fetched_bytes) == (1, 1, len(data))
    assert (summary.from_cache, summary.from_here, summary.trusted) == (0, 0, 0)
    assert (summary.sha1_only, summary.by_registry, summary.computed) == ([], [], [])
    assert 0 < summary.fetch_seconds <= summary.seconds < 60
    assert (totals, sum(steps)) == ([1], 1)
    again = yard.resolve(wanted, offline=True, progress=progress)
    assert again.pins == found.pins
    assert (again.summary.packages, again.summary.from_cache, again.summary.fetched) == (1, 1, 0)
    assert again.summary.fetch_seconds == 0
    assert len(yard.registry.requests) == 1
    assert totals == [1]


def test_what_projects_share_is_fetched_once(yard: Yard) -> None:
    a, b = yard.registry.publish("a"), yard.registry.publish("b")
    one = yard.wanted({"node_modules/a": entry(sri(a))})
    other = yard.wanted({"node_modules/a": entry(sri(a)), "node_modules/b": entry(sri(b))})
    found = yard.resolve(one, other)
    assert [sorted(pins) for pins in found.pins] == [
        ["node_modules/a"],
        ["node_modules/a", "node_modules/b"],
    ]
    assert (found.summary.packages, found.summary.fetched) == (2, 2)
    assert len(yard.registry.requests) == 2


def test_one_lock_may_vouch_with_a_weaker_hash_than_another(yard: Yard) -> None:
    data = yard.registry.publish("a")
    weak = yard.wanted({"node_modules/a": entry(sri(data, "sha1"))})
    strong = yard.wanted({"node_modules/a": entry(sri(data))})
    found = yard.resolve(weak, strong)
    assert found.summary.sha1_only == ["a@1.0.0"]
    assert (found.summary.packages, found.summary.fetched) == (1, 1)
    assert found.pins[0] == found.pins[1] == {"node_modules/a": Pin(relative(), sha512(data))}


def test_only_a_sha1_is_told_whatever_else_is_there(yard: Yard) -> None:
    a, b, c = (yard.registry.publish(name) for name in ("a", "b", "c"))
    found = yard.resolve(
        yard.wanted(
            {
                "node_modules/a": entry(sri(a, "sha1")),
                "node_modules/b": entry(f"{sri(b, 'sha1')} {sri(b)}"),
                "node_modules/c": entry(sri(c, "sha256")),
            }
        )
    )
    assert found.summary.sha1_only == ["a@1.0.0"]
    assert found.pins[0]["node_modules/c"].sha512 == sha512(c)


def test_a_hash_that_the_lock_gives_is_trusted_where_that_is_asked_for(yard: Yard) -> None:
    data, other = b"a", yard.registry.publish("b")
    wanted = yard.wanted(
        {"node_modules/a": entry(sri(data)), "node_modules/b": entry(sri(other, "sha1"))}
    )
    found = yard.resolve(wanted, trust_lock=True)
    assert found.pins[0]["node_modules/a"] == Pin(relative(), sha512(data))
    assert found.pins[0]["node_modules/b"].sha512 == sha512(other)
    assert (found.summary.trusted, found.summary.fetched, found.summary.from_cache) == (1, 1, 0)
    assert yard.registry.paths() == ["/b/-/b-1.0.0.tgz"]


def test_two_hashes_of_one_kind_are_not_trusted(yard: Yard) -> None:
    data = yard.registry.publish("a")
    wanted = yard.wanted({"node_modules/a": entry(f"{sri(data)} {sri(b'other')}")})
    with pytest.raises(FetchError, match="wrong content"):
        yard.resolve(wanted, trust_lock=True)


def test_a_hash_that_only_the_registry_gives_is_remembered(yard: Yard) -> None:
    data = yard.registry.publish("a")
    wanted = yard.wanted({"node_modules/a": entry()})
    for offline in (False, True):
        found = yard.resolve(wanted, offline=offline)
        assert found.pins == ({"node_modules/a": Pin(relative(), sha512(data))},)
        assert found.summary.by_registry == ["a@1.0.0"]
        assert found.summary.computed == []


def test_what_nobody_vouches_for_is_computed_and_told(yard: Yard) -> None:
    data = yard.registry.publish("a", metadata={"tarball": f"{yard.registry.base}{PATH}"})
    address = f"{yard.registry.base}odd.tgz"
    yard.registry.answers["/odd.tgz"] = yard.registry.answers[f"/{PATH}"]
    wanted = yard.wanted({"node_modules/a": entry(), "node_modules/b": entry(resolved=address)})
    for offline in (False, True):
        found = yard.resolve(wanted, offline=offline)
        assert sorted(found.summary.computed) == ["a@1.0.0", address]
        assert found.summary.by_registry == []
        assert found.pins[0]["node_modules/b"] == Pin(Address(address, False), sha512(data))


def test_an_address_that_the_lock_omits_may_be_another_one(yard: Yard) -> None:
    data = yard.registry.publish("a", path="/files/a.tgz")
    wanted = yard.wanted({"node_modules/a": entry(sri(data))})
    pin = Pin(relative("files/a.tgz"), sha512(data))
    for offline in (False, True):
        assert yard.resolve(wanted, offline=offline).pins == ({"node_modules/a": pin},)
    # With the hash taken for granted, what was found out of the address still counts.
    trusted = yard.resolve(wanted, offline=True, trust_lock=True)
    assert trusted.pins == ({"node_modules/a": pin},)


def test_an_address_off_the_registry_is_written_whole(yard: Yard) -> None:
    elsewhere = yard.registry.base.replace("127.0.0.1", "localhost") + "files/a.tgz"
    data = yard.registry.publish(
        "a", path="/files/a.tgz", metadata={"tarball": elsewhere, "shasum": ""}
    )
    found = yard.resolve(yard.wanted({"node_modules/a": entry(sri(data))}))
    assert found.pins[0]["node_modules/a"] == Pin(Address(elsewhere, False), sha512(data))


def test_the_registry_that_a_lock_names_is_asked(yard: Yard) -> None:
    data = yard.registry.publish("a")
    resolved = f"{yard.registry.base}{PATH}"
    wanted = yard.wanted({"node_modules/a": entry(sri(data), resolved=resolved)}, forced=False)
    assert wanted.plan.registry == yard.registry.base
    found = yard.resolve(wanted)
    assert found.pins == ({"node_modules/a": Pin(relative(), sha512(data))},)


def test_all_that_fail_are_told_with_contradictions(yard: Yard) -> None:
    data = yard.registry.publish("a")
    resolved = f"{yard.registry.base}{PATH}"
    wanted = yard.wanted(
        {
            "node_modules/a": entry(sri(data), resolved=resolved),
            "node_modules/b/node_modules/a": entry(sri(b"other"), resolved=resolved),
            "node_modules/c": entry(sri(b"c")),
        }
    )
    with pytest.raises(FetchError, match="2 packages of 2") as caught:
        yard.resolve(wanted)
    text = caught.value.what
    assert "the lock gives this address 2 different sha512 hashes:" in text
    assert f"{sri(data)}  node_modules/a" in text
    assert f"{sri(b'other')}  node_modules/b/node_modules/a" in text
    assert "c@1.0.0 (node_modules/c)" in text


def test_without_a_connection_what_is_missing_is_a_failure(yard: Yard) -> None:
    data = yard.registry.publish("a")
    wanted = yard.wanted({"node_modules/a": entry(sri(data)), "node_modules/c": entry(sri(b"c"))})
    with pytest.raises(FetchError, match="2 packages of 2") as caught:
        yard.resolve(wanted, offline=True)
    assert "not in the cache" in caught.value.what
    assert "run it without --offline" in caught.value.hint
    assert yard.registry.requests == []


def test_what_the_machine_has_elsewhere_is_taken(yard: Yard) -> None:
    data = yard.registry.publish("a")
    name = hashlib.sha512(data).hexdigest()
    place = yard.home / "npm/_cacache/content-v2/sha512" / name[:2] / name[2:4]
    place.mkdir(parents=True)
    (place / name[4:]).write_bytes(data)
    known = entry(sri(data), resolved=f"{yard.registry.base}{PATH}")
    wanted = yard.wanted({"node_modules/a": known, "node_modules/c": entry(sri(b"c"))})
    with pytest.raises(FetchError, match="1 package of 2"):
        yard.resolve(wanted, offline=True, elsewhere=True)
    one = yard.wanted({"node_modules/a": known})
    other = Yard(yard.home / "other", yard.registry)
    found = other.resolve(one, offline=True, elsewhere=True)
    assert found.pins == ({"node_modules/a": Pin(relative(), sha512(data))},)
    assert (found.summary.from_here, found.summary.from_cache, found.summary.fetched) == (1, 0, 0)


def test_what_is_lacking_is_told_with_where_it_would_be_asked_for(yard: Yard) -> None:
    a, b = yard.registry.publish("a"), yard.registry.publish("b")
    wanted = yard.wanted({"node_modules/a": entry(sri(a)), "node_modules/b": entry(sri(b))})
    both = [f"{yard.registry.base}{PATH}", f"{yard.registry.base}b/-/b-1.0.0.tgz"]
    assert [url for _, url in lacking([wanted, wanted], yard.cache)] == both
    yard.resolve(yard.wanted({"node_modules/a": entry(sri(a))}))
    ((tarball, url),) = lacking([wanted, wanted], yard.cache)
    assert (tarball.label, url) == ("b@1.0.0", both[1])
    assert [url for _, url in lacking([wanted], None)] == both
