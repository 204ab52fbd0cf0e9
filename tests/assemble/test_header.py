"""One block of a tar archive: node-tar's reading of it, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.assemble.header import NO_PAX, BadTarballError, check, cut, number
from npm2nixlite.assemble.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path


def header(name: bytes, *, size: bytes = b"00000000004\0", checksum: bytes | None = None) -> bytes:
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = b"0"
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = (checksum or f"{sum(block):06o}\0 ".encode()).ljust(8, b"\0")
    return bytes(block)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"00000000004\0", 4),
        (b"00000000004 ", 4),
        (b"          4\0", 4),
        (b"4\0", 4),
        (b"+4\0", 4),
        (b"48\0", 4),
        (b"4\0007", 4),
        (b"0o4\0", 0),  # JavaScript's parseInt stops at the o
        (b"1_0\0", 1),
        (b"\0004", 0),
        (b"abc\0", 0),
        (b"\x80" + (513).to_bytes(11, "big"), 513),
    ],
)
def test_numbers_are_read_as_javascript_reads_them(field: bytes, value: int) -> None:
    assert number(field.ljust(12, b"\0"), "size") == value


@pytest.mark.parametrize("field", [b"-4\0", b" -1", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\xc2"])
def test_numbers_that_are_negative_or_too_large_are_refused(field: bytes) -> None:
    with pytest.raises(BadTarballError, match="impossible size"):
        number(field.ljust(12, b"\0"), "size")


def test_a_sum_that_is_right_but_for_a_multiple_of_65521_is_wrong() -> None:
    good = header(b"package/a")
    check(good, first=True)
    bad = good[:148] + f"{int(good[148:154], 8) + 65521:06o}\0 ".encode() + good[156:]
    with pytest.raises(BadTarballError, match="neither a gzip nor a tar"):
        check(bad, first=True)


def test_a_number_that_npm_cannot_read_spoils_the_header_even_where_it_is_not_used() -> None:
    block = bytearray(header(b"package/a"))
    block[108:116] = b"\x81" + bytes(7)  # the user's number
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    with pytest.raises(BadTarballError, match="damaged"):
        check(bytes(block), first=True)


@pytest.mark.parametrize("size", [b"0o4", b"1_0", b"-4"])
def test_one_archive_does_not_hold_two_files_for_two_readers(tmp_path: Path, size: bytes) -> None:
    # npm takes the body's first block for a header, where another reader takes it for the body
    inner = header(b"package/index.js") + b"EVIL".ljust(512, b"\0")
    (tmp_path / "p.tar").write_bytes(header(b"package/index.js", size=size) + inner + bytes(1024))
    if size == b"-4":
        with pytest.raises(BadTarballError, match="impossible size"):
            unpack(tmp_path / "p.tar", str(tmp_path / "out"))
        return
    try:
        unpack(tmp_path / "p.tar", str(tmp_path / "out"))
    except BadTarballError:
        return
    assert (tmp_path / "out/index.js").read_bytes() == b"EVIL"


def test_pax_records_are_measured_as_javascript_measures_them() -> None:
    read = NO_PAX.with_records
    assert read("12 path=a/b\n").path == "a/b"
    assert read("+12 path=a/b\n").path is None  # it drops two digits and a space
    assert read("12\tpath=a/b\n").path == "a/b"
    assert read("11 path=a/b\n").path is None
    assert read(f"{'1' * 5000} path=a/b\n").path is None
    assert read("² path=a/b\n").path is None
    assert read("16 mode=0000755\n") == NO_PAX  # npm passes over it
    assert read("9 size=5\n").size == 5


@pytest.mark.parametrize("size", ["", "-5", "1e3", "0x5", " 5", "5.0", "²", "5" * 5000])
def test_pax_sizes_that_are_no_plain_numbers_are_refused(size: str) -> None:
    rest = f" size={size}\n"
    total = len(rest.encode())
    length = next(n for n in range(total, total + 9) if n == total + len(str(n)))
    with pytest.raises(BadTarballError, match="impossible size"):
        NO_PAX.with_records(f"{length}{rest}")


def test_a_text_ends_at_its_first_nul() -> None:
    assert cut("a\0b") == "a"
    with pytest.raises(BadTarballError):
        cut("a\0b\nc")  # node-tar would take "a\nc"
