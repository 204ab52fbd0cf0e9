"""What a push asks, sends, skips and repairs; on each kind of place."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.backends.file import FileBackend
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.plan import Options, Summary, plan
from npm2nixlite.binarycache.push import apply, push
from npm2nixlite.errors import BuildError, FetchError, InputError
from npm2nixlite.store.narinfo import parse, render
from npm2nixlite.store.signature import SecretKey
from tests.binarycache.places import LARGE, fixed_file, nginx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Body
    from npm2nixlite.store.fixed_file import FixedFile
    from tests.binarycache.places import Place

# Made with: nix key generate-secret --key-name cache.example-1
KEY = SecretKey.parse(
    "cache.example-1:"
    "2k10c5w/RYXzes2Qxwf/HHRQVMiCtO3o4B3sFVrx2dUdNjVtD3f4lJ7N1mDkeBZAo57yObaqB2ehPjyv7iVqSw=="
)


async def pushed(place: Place, files: list[FixedFile], options: Options | None = None) -> Summary:
    async with backend_at(place.address, retries=0) as backend:
        return await push(backend, files, options or Options())


async def narinfo(place: Place, file: FixedFile) -> str:
    async with backend_at(place.address) as backend:
        raw = await backend.get(f"{file.store_path().digest}.narinfo")
    assert raw is not None
    return raw.decode()


async def overwrite(place: Place, file: FixedFile, text: str) -> None:
    async with backend_at(place.address) as backend:
        key = f"{file.store_path().digest}.narinfo"
        await backend.put(key, text.encode(), "text/x-nix-narinfo")


async def test_a_second_push_has_nothing_to_do(place: Place, files: list[FixedFile]) -> None:
    first = await pushed(place, files)
    assert (first.present, first.sent, first.mismatches) == (0, len(files), ())
    second = await pushed(place, files)
    assert (second.present, second.sent, second.sent_bytes) == (len(files), 0, 0)


async def test_a_place_that_is_no_cache_yet_is_not_asked_for_every_path(
    tmp_path: Path, files: list[FixedFile]
) -> None:
    asked: list[str] = []

    class Watched(FileBackend):
        async def get(self, key: str) -> bytes | None:
            asked.append(key)
            return await super().get(key)

    assert (await push(Watched(tmp_path / "cache"), files)).sent == len(files)
    assert set(asked) == {"nix-cache-info"}
    assert (await push(Watched(tmp_path / "cache"), files)).present == len(files)
    assert len(set(asked)) == 1 + len(files)


async def test_only_what_is_missing_is_sent(place: Place, files: list[FixedFile]) -> None:
    await pushed(place, files[:2])
    summary = await pushed(place, files)
    assert (summary.present, summary.sent) == (2, len(files) - 2)
    assert summary.sent_bytes < LARGE


async def test_a_plan_tells_what_is_missing_and_changes_nothing(
    place: Place, files: list[FixedFile]
) -> None:
    async with backend_at(place.address) as backend:
        told = await plan(backend, files)
        assert told.cache_is_new
        assert [entry.file for entry in told.missing] == files
        assert await backend.get("nix-cache-info") is None
        await push(backend, files[:1])
        told = await plan(backend, files)
        assert not told.cache_is_new
        assert [entry.file for entry in told.missing] == files[1:]


async def test_progress_is_told_file_by_file(place: Place, files: list[FixedFile]) -> None:
    asked: list[tuple[int, int]] = []
    sent: list[tuple[int, int]] = []
    async with backend_at(place.address) as backend:
        await push(backend, [])
        found = await plan(backend, [*files, files[0]], advance=lambda *more: asked.append(more))
        summary = await apply(backend, found, advance=lambda *more: sent.append(more))
    assert asked == [(1, 0)] * 6
    assert sum(items for items, _ in sent) == 6
    assert sum(size for _, size in sent) == summary.sent_bytes
    sizes = {file.integrity: file.path.stat().st_size for file in files}
    assert sum(sizes.values()) < summary.sent_bytes < sum(sizes.values()) + 1_000


MISMATCHES: dict[str, Callable[[str], str]] = {
    "another path": lambda text: text.replace("-small-", "-other-"),
    "another hash": lambda text: re.sub(r"(NarHash: sha256:)\w{52}", r"\g<1>" + "1" * 52, text),
    "another size": lambda text: text.replace("NarSize: 12", "NarSize: 13"),
    "another content address": lambda text: text.replace("CA: fixed:sha512:", "CA: fixed:sha1:"),
    "references": lambda text: text.replace("References: ", f"References: {'0' * 32}-other"),
    "half of it": lambda text: text[:40],
    "nothing": lambda _: "",
    "a web page": lambda _: "<html>welcome</html>",
}


@pytest.mark.parametrize("mismatch", MISMATCHES)
async def test_a_wrong_narinfo_is_replaced_and_noted(
    place: Place, files: list[FixedFile], mismatch: str
) -> None:
    await pushed(place, files)
    truth = await narinfo(place, files[0])
    told = MISMATCHES[mismatch](truth)
    assert told != truth
    await overwrite(place, files[0], told)
    summary = await pushed(place, files)
    assert (summary.present, summary.sent) == (len(files) - 1, 1)
    [(path, _)] = summary.mismatches
    assert path == files[0].store_path()
    assert await narinfo(place, files[0]) == truth


async def test_a_narinfo_with_other_compression_is_as_good(
    place: Place, files: list[FixedFile]
) -> None:
    await pushed(place, files, Options(compression=Compression.XZ))
    summary = await pushed(place, files)
    assert summary.present == len(files)


async def test_a_narinfo_without_content_address_gets_it_and_keeps_its_signatures(
    place: Place, files: list[FixedFile]
) -> None:
    await pushed(place, files, Options(keys=(KEY,)))
    truth = await narinfo(place, files[0])
    await overwrite(place, files[0], render(replace(parse(truth), ca="")))
    summary = await pushed(place, files)
    assert (summary.present, summary.amended, summary.sent) == (len(files) - 1, 1, 0)
    assert await narinfo(place, files[0]) == truth


async def test_what_was_pushed_unsigned_is_signed_without_sending_it_again(
    place: Place, files: list[FixedFile]
) -> None:
    await pushed(place, files)
    summary = await pushed(place, files, Options(keys=(KEY,)))
    assert (summary.present, summary.amended, summary.sent) == (0, len(files), 0)
    for file in files:
        assert KEY.public_key.verifies(parse(await narinfo(place, file)))
    assert (await pushed(place, files, Options(keys=(KEY,)))).present == len(files)
    assert (await pushed(place, files)).present == len(files)


async def test_a_cache_for_another_store_directory_is_refused(
    place: Place, files: list[FixedFile]
) -> None:
    await pushed(place, files)
    with pytest.raises(InputError, match="is for the store directory /nix/store, not for /else"):
        await pushed(place, files, Options(store_dir="/else"))


async def test_what_is_no_binary_cache_is_refused(place: Place, files: list[FixedFile]) -> None:
    async with backend_at(place.address) as backend:
        await backend.put("nix-cache-info", b"<html>welcome</html>", "text/html")
        with pytest.raises(InputError, match="names no StoreDir"):
            await push(backend, files)


@pytest.mark.parametrize("number", [0, 1], ids=["small", "large"])
@pytest.mark.parametrize("compression", list(Compression))
async def test_a_file_that_is_not_what_its_hash_says_gets_no_narinfo(
    place: Place, files: list[FixedFile], number: int, compression: Compression
) -> None:
    file = files[number]
    content = file.path.read_bytes()
    file.path.write_bytes(content[:-1] + b"!")
    with pytest.raises(FetchError, match="do not have the hash") as caught:
        await pushed(place, [file], Options(compression=compression))
    assert str(file.path) in str(caught.value)
    async with backend_at(place.address) as backend:
        assert await backend.get(f"{file.store_path().digest}.narinfo") is None
    file.path.write_bytes(content)
    assert (await pushed(place, files)).sent == len(files)


async def test_a_file_that_changes_after_it_was_verified_gets_neither_nar_nor_narinfo(
    place: Place, files: list[FixedFile]
) -> None:
    """Large files are read twice; the second time must notice, before the upload is whole."""
    file = files[1]
    keys: list[str] = []
    async with backend_at(place.address, retries=1) as backend:
        put = backend.put

        async def change_then_put(key: str, body: Body, content_type: str) -> None:
            if key.startswith("nar/"):
                keys.append(key)
                file.path.write_bytes(b"!" * LARGE)
            await put(key, body, content_type)

        backend.put = change_then_put  # type: ignore[method-assign]
        with pytest.raises(FetchError, match="do not have the hash"):
            await push(backend, [file])
        assert len(keys) == 1
        assert await backend.get(keys[0]) is None
        assert await backend.get(f"{file.store_path().digest}.narinfo") is None


async def test_a_file_that_is_gone_is_named(place: Place, files: list[FixedFile]) -> None:
    files[0].path.unlink()
    with pytest.raises(FetchError, match="the file is gone") as caught:
        await pushed(place, files[:1])
    assert str(files[0].path) in str(caught.value)


async def test_two_pushes_at_once_make_one_whole_cache(
    place: Place, files: list[FixedFile]
) -> None:
    async def client() -> None:
        async with backend_at(place.address) as backend:
            await push(backend, files)

    await asyncio.gather(*(client() for _ in range(4)))
    assert (await pushed(place, files)).present == len(files)


async def test_no_narinfo_appears_before_its_nar(tmp_path: Path, files: list[FixedFile]) -> None:
    events: list[str] = []

    class Watched(FileBackend):
        async def put(self, key: str, body: Body, content_type: str) -> None:
            if key.endswith(".narinfo"):
                assert isinstance(body, bytes)
                assert parse(body.decode()).url in events
            await super().put(key, body, content_type)
            events.append(key)

    await push(Watched(tmp_path / "cache"), files)
    assert events[0] == "nix-cache-info"
    assert len(events) == 1 + 5 + 6  # one NAR for the two files of one content


async def test_a_killed_push_leaves_a_whole_cache_and_a_rerun_completes_it(
    tmp_path: Path,
) -> None:
    """Killed at a random moment, many times: each narinfo that is there has its NAR."""
    directory = tmp_path / "downloads"
    directory.mkdir()
    files = [
        fixed_file(directory, f"file-{number}.tgz", os.urandom(200_000)) for number in range(200)
    ]
    listing = tmp_path / "listing"
    listing.write_text("\n".join(f"{file.name} {file.integrity} {file.path}" for file in files))
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from npm2nixlite.binarycache.address import backend_at\n"
        "from npm2nixlite.binarycache.push import push\n"
        "from npm2nixlite.integrity import parse_integrity\n"
        "from npm2nixlite.store.fixed_file import FixedFile\n"
        "def file(line):\n"
        "    name, integrity, path = line.split()\n"
        "    return FixedFile(name, Path(path), *parse_integrity(integrity))\n"
        "files = list(map(file, open(sys.argv[2])))\n"
        "async def main():\n"
        "    async with backend_at(sys.argv[1]) as backend:\n"
        "        await push(backend, files, advance=lambda *_: print('send', flush=True))\n"
        "asyncio.run(main())\n"
    )
    with nginx(tmp_path / "server") as place:
        for until in (1, 3, 30, 90):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, place.address, str(listing),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert process.stdout is not None
            seen = 0
            async for line in process.stdout:
                seen += line == b"send\n"
                if seen == until:
                    break
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            www = tmp_path / "server/www"
            for written in www.glob("*.narinfo"):
                info = parse(written.read_text())
                assert (www / info.url).stat().st_size == info.file_size
        summary = await pushed(place, files)
        assert summary.present + summary.sent == len(files)
        assert summary.sent < len(files)
        assert summary.mismatches == ()


async def test_memory_stays_flat_however_large_the_files(place: Place, tmp_path: Path) -> None:
    import tracemalloc

    directory = tmp_path / "downloads"
    directory.mkdir()
    files = [fixed_file(directory, f"{number}.tgz", os.urandom(24 << 20)) for number in range(4)]
    if place.address.startswith("s3"):
        pytest.skip("the S3 server is in this process, and holds all it is given")
    tracemalloc.start()
    await pushed(place, files)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


async def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, files: list[FixedFile]
) -> None:
    (tmp_path / "file").write_text("")
    async with backend_at(f"file://{tmp_path}/file/cache") as backend:
        with pytest.raises(BuildError, match="Not a directory") as caught:
            await push(backend, files)
    assert caught.value.exit_status == 4
