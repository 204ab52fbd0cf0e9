"""Unpacking: what npm takes from a tarball, and what no tarball may do."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.assemble.header import BadTarballError
from npm2nixlite.assemble.unpack import unpack
from tests.support.archives import Member, archive

if TYPE_CHECKING:
    from pathlib import Path


def unpacked(tmp_path: Path, data: bytes, nested: frozenset[str] = frozenset()) -> Path:
    tarball, target = tmp_path / "package.tgz", tmp_path / "out" / "package"
    tarball.write_bytes(data)
    unpack(tarball, str(target), nested)
    return target


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_drops_the_first_component_whatever_it_is(tmp_path: Path) -> None:
    target = unpacked(tmp_path, archive(Member("react-v1/a.js", b"a"), Member("other/b/c", b"c")))
    assert (target / "a.js").read_bytes() == b"a"
    assert (target / "b/c").read_bytes() == b"c"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_long_and_foreign_names_in_every_format(tmp_path: Path, form: int) -> None:
    long = "package/" + "/".join(["d" * 60] * 3) + "/f"
    names = [long] if form == tarfile.USTAR_FORMAT else [long, "package/" + "é" * 90 + ".js"]
    target = unpacked(tmp_path, archive(*(Member(name, b"x") for name in names), form=form))
    for name in names:
        assert (target / name.removeprefix("package/")).read_bytes() == b"x"


def test_reads_archives_that_are_not_compressed_and_gzip_of_several_members(tmp_path: Path) -> None:
    plain = archive(Member("package/a", b"a" * 5000), compress=False)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert (unpacked(tmp_path / "one", plain) / "a").stat().st_size == 5000
    halves = gzip.compress(plain[:700]) + gzip.compress(plain[700:]) + bytes(512)
    assert (unpacked(tmp_path / "two", halves) / "a").stat().st_size == 5000


@pytest.mark.parametrize("compress", [True, False])
def test_files_come_out_whole_wherever_a_window_ends(tmp_path: Path, *, compress: bool) -> None:
    draw = random.Random(3)
    # what compresses badly and well in turn, so that windows end in headers, bodies and padding
    bodies = {
        f"{number}": draw.randbytes(size) if number % 2 else bytes([number % 256]) * size
        for number, size in enumerate(
            [3 << 20, *(draw.choice([0, 1, 511, 512, 513, 70_001]) for _ in range(400)), 3 << 20]
        )
    }
    members = (Member(f"package/{name}", body) for name, body in bodies.items())
    target = unpacked(tmp_path, archive(*members, compress=compress))
    assert {path.name: path.read_bytes() for path in target.iterdir()} == bodies


def test_a_package_that_begins_with_zeros_is_no_bomb(tmp_path: Path) -> None:
    members = Member("package/a", bytes(3 << 20)), Member("package/b", WHOLE)
    assert (unpacked(tmp_path, archive(*members)) / "b").read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("given", "kept"), [(0o600, 0o644), (0o755, 0o755), (0o744, 0o744), (0, 0o644), (0o4711, 0o755)]
)
def test_modes_are_readable_by_all_and_keep_their_executable_bits(
    tmp_path: Path, given: int, kept: int
) -> None:
    old = os.umask(0o022)
    try:
        target = unpacked(tmp_path, archive(Member("package/f", b"x", mode=given)))
    finally:
        os.umask(old)
    assert mode(target / "f") == kept


def test_a_gitignore_becomes_an_npmignore_unless_one_came_before(tmp_path: Path) -> None:
    target = unpacked(
        tmp_path,
        archive(
            Member("package/.gitignore", b"git"),
            Member("package/a/.npmignore", b"npm"),
            Member("package/a/.gitignore", b"git"),
            Member("package/b/.gitignore", b"git"),
            Member("package/b/.npmignore", b"npm"),
        ),
    )
    found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob(".*ignore")}
    assert found == {".npmignore": b"git", "a/.npmignore": b"npm", "b/.npmignore": b"npm"}


def test_takes_no_links_and_writes_through_none(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = unpacked(
        tmp_path,
        archive(
            Member("package/way", type=tarfile.SYMTYPE, link=str(outside)),
            Member("package/way/f", b"x"),
            Member("package/hard", type=tarfile.LNKTYPE, link="/etc/hostname"),
        ),
    )
    assert sorted(path.name for path in target.iterdir()) == ["way"]
    assert not (target / "way").is_symlink()
    assert not list(outside.iterdir())


def test_takes_no_directories_but_those_its_files_need(tmp_path: Path) -> None:
    members = Member("package/empty", type=tarfile.DIRTYPE), Member("package/a/b", b"x")
    target = unpacked(tmp_path, archive(*members))
    assert [path.name for path in target.iterdir()] == ["a"]


def test_a_drive_letter_is_dropped_as_npm_drops_it(tmp_path: Path) -> None:
    members = (
        Member("package/C:/x", b"x"),
        Member("package/a:b", b"y"),
        Member("package/c/d:e", b""),
    )
    target = unpacked(tmp_path, archive(*members))
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        *["b", "c", "c/d:e", "x"]
    ]


def test_a_file_that_gives_way_is_passed_over_whatever_its_size(tmp_path: Path) -> None:
    # longer than a window, and full of headers for who would read on in it
    smuggled = archive(Member("p/smuggled", b"x"), compress=False) * 200
    members = Member("p/node_modules/a/f", smuggled), Member("p/g", b"x")
    target = unpacked(tmp_path, archive(*members), frozenset({"node_modules/a"}))
    assert [path.name for path in target.iterdir()] == ["g"]


def test_a_name_that_comes_twice_has_the_last_bytes_and_the_first_mode(tmp_path: Path) -> None:
    members = Member("package/f", b"long first", mode=0o755), Member("package/f", b"last")
    target = unpacked(tmp_path, archive(*members))
    assert (target / "f").read_bytes() == b"last"
    assert mode(target / "f") & 0o100


def test_gives_way_to_what_other_tarballs_fill(tmp_path: Path) -> None:
    target = unpacked(
        tmp_path,
        archive(Member("p/node_modules/a/f", b"x"), Member("p/node_modules/b/f", b"x")),
        frozenset({"node_modules/a"}),
    )
    assert [path.name for path in (target / "node_modules").iterdir()] == ["b"]


WHOLE = archive(Member("package/a", b"a"), Member("package/b", random.Random(1).randbytes(90_000)))


def huge_size() -> bytes:
    header = bytearray(archive(Member("package/f", b""), compress=False)[:512])
    header[124:136] = b"\x80" + (1 << 50).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return gzip.compress(bytes(header) + bytes(1024))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<html>404</html>" * 99, "neither a gzip nor a tar"),
        (b"", "no entry"),
        (WHOLE[:-400], "cut short"),
        (WHOLE[:40_000], "cut short"),
        (gzip.compress(gzip.decompress(WHOLE)[:60_000]), "cut short"),
        (WHOLE[:30_000] + b"\0" * 99 + WHOLE[30_099:], "damaged"),
        (huge_size(), "unpacks to more"),
        (archive(Member("/etc/passwd", b"x")), "absolute path"),
        (archive(Member("C:/windows/x", b"x")), "absolute path"),
        (archive(Member("package/\\\\host\\share\\x", b"x")), "absolute path"),
        (WHOLE + b"garbage", "garbage follows"),
        (WHOLE + bytes(600) + b"garbage", "garbage follows"),
        (archive(Member("package/../../f", b"x")), "leads out"),
        (archive(Member("../f", b"x")), "leads out"),
        (archive(Member("package/a\\..\\..\\f", b"x")), "leads out"),
        (archive(Member("package/dev", type=tarfile.CHRTYPE)), "device"),
        (archive(Member("package/pipe", type=tarfile.FIFOTYPE)), "device"),
        (archive(Member("package/a\nb", b"x")), "newline"),
        (archive(Member("package/a", b"x"), Member("package/a/b", b"x")), "a file in one entry"),
        (archive(Member("package/a/b", b"x"), Member("package/a", b"x")), "a file in one entry"),
        (
            archive(Member("package/a", type=tarfile.DIRTYPE), Member("package/a", b"x")),
            "a file in one entry",
        ),
        (archive(Member("package/" + "n" * 300, b"x")), "cannot be written"),
        (gzip.compress(bytes(1 << 24)), "inflates"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_tarballs_are_refused_and_write_nothing_outside(
    tmp_path: Path, data: bytes, complaint: str
) -> None:
    with pytest.raises(BadTarballError, match=complaint):
        unpacked(tmp_path, data)
    assert {path.name for path in tmp_path.iterdir()} <= {"package.tgz", "out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"package"}


def test_a_tarball_unpacks_to_no_more_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [
        Member(f"package/{number}", random.Random(number).randbytes(400)) for number in (1, 2)
    ]
    monkeypatch.setenv("NPM2NIXLITE_MAX_UNPACKED_SIZE", "800")
    unpacked(tmp_path, archive(*members))
    monkeypatch.setenv("NPM2NIXLITE_MAX_UNPACKED_SIZE", "799")
    with pytest.raises(BadTarballError, match="unpacks to more than 799"):
        unpacked(tmp_path, archive(*members))


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    zeros = io.BytesIO()
    with (
        open("/dev/zero", "rb") as endless,  # noqa: PTH123
        gzip.open(zeros, "wb") as file,
        tarfile.open(fileobj=file, mode="w") as tar,
    ):
        info = tarfile.TarInfo("package/zeros")
        info.size = 400 << 20
        tar.addfile(info, endless)
    tracemalloc.start()
    try:
        with pytest.raises(BadTarballError, match="inflates"):
            unpacked(tmp_path, zeros.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
