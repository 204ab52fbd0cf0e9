"""What ``bench`` says: before, and of what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.messages import human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.bench.measure import Measured
    from npm2nixlite.bench.preview import Preview
    from npm2nixlite.bench.rate import Rate
    from npm2nixlite.bench.versus_curl import CurlComparison

__all__ = ["announcement", "as_json", "sources", "table"]

_FASTER = 1.25  # so many times: what is less may be chance


def sources(ahead: Preview) -> str:
    """How many tarballs, and from where."""
    hosts = ", ".join(
        f"{host} ({number:,})" if len(ahead.hosts) > 1 else host
        for host, number in ahead.hosts.items()
    )
    through = f", through the proxy {', '.join(ahead.proxies)}" if ahead.proxies else ""
    return f"{plural(ahead.tarballs, 'tarball')} from {hosts}{through}"


def announcement(lock: str, ahead: Preview) -> str:
    """What is going to be downloaded."""
    if not ahead.tarballs:
        return f"{lock}: nothing to download: the cache has every tarball"
    lines = [f"{lock}: to download, once: {sources(ahead)}", f"  {_size(ahead)}"]
    if ahead.asked_about:
        lines.append(
            f"  the lock has no hash of {ahead.asked_about:,}: of these, metadata is asked for, too"
        )
    return "\n".join(lines)


def table(measured: Measured) -> str:
    """The measurements, for people."""
    lines = [f"{'':<42} {'seconds':>9} {'MB/s':>9} {'tarballs/s':>11}"]
    lines += [_row(name, rate) for name, rate in _named(measured)]
    if measured.versus_curl is not None and measured.versus_curl.curl_trouble:
        lines.append(f"no curl beside it: {measured.versus_curl.curl_trouble}")
    verdict = _verdict(measured)
    return "\n".join([*lines, verdict] if verdict else lines)


def as_json(lock: str, ahead: Preview, measured: Measured, connections: int) -> dict[str, Any]:
    """All of it, for programs; sizes in bytes, times in seconds."""
    return {
        "lock": lock,
        "agreed": True,
        "connections": connections,
        "download": {
            "tarballs": ahead.tarballs,
            "hosts": ahead.hosts,
            "proxies": list(ahead.proxies),
            "metadataAskedFor": ahead.asked_about,
            "tarballsOfKnownSize": ahead.sized,
            "knownBytes": ahead.known_bytes,
        },
        "fetch": None if measured.fetch is None else _fields(measured.fetch),
        "hash": _fields(measured.hashing),
        "write": _fields(measured.writing),
        "loopback": measured.versus_curl and _comparison_fields(measured.versus_curl),
    }


def _size(ahead: Preview) -> str:
    if not ahead.sized:
        return "how many bytes is not known: a lock has no sizes"
    size = human_bytes(ahead.known_bytes)
    if ahead.sized == ahead.tarballs:
        return f"{size}, by what the download cache has of them"
    return f"more than {size}: of {ahead.tarballs - ahead.sized:,} the size is not known"


def _named(measured: Measured) -> Iterator[tuple[str, Rate]]:
    if measured.fetch is not None:
        yield "fetch, verify and cache, over the network", measured.fetch
    yield "hash alone: sha512, one thread", measured.hashing
    yield "write alone: one thread, no fsync", measured.writing
    if measured.versus_curl is not None:
        yield "fetch, verify and cache, from loopback", measured.versus_curl.median_of_ours()
        curl = measured.versus_curl.median_of_curl()
        if curl is not None:
            yield "curl --parallel to files, from loopback", curl


def _row(name: str, rate: Rate) -> str:
    megabytes = rate.bytes_per_second / 1e6
    return f"{name:<42} {rate.seconds:>9.3f} {megabytes:>9.1f} {rate.tarballs_per_second:>11,.0f}"


def _verdict(measured: Measured) -> str:
    """What the fetch waited for."""
    if measured.fetch is None or measured.versus_curl is None:
        return ""
    here = measured.versus_curl.median_of_ours()
    times = here.tarballs_per_second / measured.fetch.tarballs_per_second
    if times > _FASTER:
        return (
            f"the network or the registry is the limit: from loopback it is {times:.1f} times "
            "as fast"
        )
    return "this machine is the limit: from loopback it is not much faster"


def _comparison_fields(comparison: CurlComparison) -> dict[str, Any]:
    median = comparison.median_of_curl()
    return {
        "runs": len(comparison.ours),
        "fetch": _repeated(comparison.median_of_ours(), comparison.ours),
        "curl": None if median is None else _repeated(median, comparison.curl),
        "curlVersion": comparison.curl_version,
        "curlTrouble": comparison.curl_trouble,
    }


def _repeated(median: Rate, rates: tuple[Rate, ...]) -> dict[str, Any]:
    return {**_fields(median), "allSeconds": [round(rate.seconds, 4) for rate in rates]}


def _fields(rate: Rate) -> dict[str, Any]:
    return {
        "tarballs": rate.tarballs,
        "bytes": rate.size,
        "seconds": round(rate.seconds, 4),
        "bytesPerSecond": round(rate.bytes_per_second),
    }
