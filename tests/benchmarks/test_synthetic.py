import io
import tarfile
from pathlib import Path

from benchmarks.nginx import serve
from benchmarks.synthetic import make, tar
from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions, generate


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    make(60, tmp_path / "one")
    make(60, tmp_path / "two")
    make(60, tmp_path / "other", seed=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert tree(tmp_path / "one") != tree(tmp_path / "other")


def test_tarfile_reads_the_archives() -> None:
    data = tar({"package/a": (b"x" * 700, 0o644), "package/b": (b"", 0o755)})
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        assert [(m.name, m.size, m.mode) for m in members] == [
            ("package/a", 700, 0o644),
            ("package/b", 0, 0o755),
        ]


def test_a_lock_is_fetched_and_canonical(tmp_path: Path) -> None:
    made = make(120, tmp_path / "made")
    assert any(path.count("node_modules/") == 2 for path in made.files)
    with serve(made.tarballs, tmp_path) as base:
        options = GenerateOptions(FetchOptions(), registry=base)
        (generated,), resolution = generate([made.project], Cache(tmp_path / "cache"), options)
    assert resolution.summary.fetched == 120
    assert not generated.plan.blockers
