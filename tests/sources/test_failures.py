from npm2nixlite.fetch.job import Failure
from npm2nixlite.sources.failures import Failed, fetch_error


def failed(
    number: int, host: str = "one.example", reason: str = "HTTP 404", hint: str = ""
) -> Failed:
    url = f"https://{host}/{number}.tgz" if host else ""
    failure = Failure(url, reason, hint)
    return Failed(f"p{number}@1.0.0", f"node_modules/p{number:04}", failure)


def test_a_few_failures_are_all_listed_in_the_order_of_their_paths() -> None:
    error = fetch_error([failed(2), failed(1)], 7)
    assert error.what == (
        "2 packages of 7 could not be fetched or verified:\n"
        "  p1@1.0.0 (node_modules/p0001): HTTP 404\n"
        "    https://one.example/1.tgz\n"
        "  p2@1.0.0 (node_modules/p0002): HTTP 404\n"
        "    https://one.example/2.tgz"
    )
    assert error.exit_status == 3


def test_ten_alike_are_all_listed_and_eleven_are_not() -> None:
    assert fetch_error(map(failed, range(10)), 10).what.count("HTTP 404") == 10
    error = fetch_error(map(failed, range(11)), 11)
    assert error.what.count("HTTP 404") == 3
    assert "and 8 more packages from one.example, for the same reason (-v lists all)" in error.what
    assert len(error.details) == 11


def test_another_host_or_reason_is_another_group() -> None:
    error = fetch_error(
        [
            *(failed(number) for number in range(20)),
            *(failed(number, "two.example") for number in range(20, 40)),
            *(failed(number, reason="HTTP 403") for number in range(40, 60)),
            failed(60, host=""),
        ],
        61,
    )
    assert error.what.count("and 17 more packages from one.example") == 2
    assert error.what.count("and 17 more packages from two.example") == 1
    assert "p60@1.0.0" in error.what


def test_hints_come_once_and_credentials_never() -> None:
    failure = Failure("https://u:pw@h.example/a", "no", "do this")
    first = Failed("a@1", "node_modules/a", failure, ("note",))
    error = fetch_error([first, failed(1, hint="do this"), failed(2, hint="do that")], 3)
    assert error.hint == "do this\n  do that"
    assert "pw" not in str(error)
    assert "    note" in error.what
    assert error.details[0] == {
        "package": "a@1",
        "path": "node_modules/a",
        "url": "https://h.example/a",
        "reason": "no",
    }
