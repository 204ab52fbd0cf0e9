from benchmarks.figures import Row, Table
from benchmarks.suites.fetch import bars

TABLE = Table(
    "fetch",
    "t",
    "s",
    "curl --parallel",
    (
        Row("curl --parallel", seconds=0.7, times=0.7),
        Row("curl --parallel, then openssl dgst -sha512 on every core", seconds=1.0, times=1.0),
        Row("npm2nixlite: fetch + verify + cache", seconds=1.4, times=1.5),
        Row("hermeto 1", seconds=7.5, times=7.5),
        Row("pnpm fetch 1", failure="no"),
        Row("npm ci 1", seconds=15.0, times=15.0),
    ),
)


def test_each_bar_is_told_with_what_was_found() -> None:
    curl, hermeto, npm = bars(TABLE)
    assert "1.50 times curl --parallel, then openssl" in curl
    assert "(wanted: at most 1.10): missed" in curl
    assert "5.0 times faster than hermeto 1 (wanted: at least 4): reached" in hermeto
    assert "10.0 times faster than npm ci 1 (wanted: at least 15): missed" in npm
