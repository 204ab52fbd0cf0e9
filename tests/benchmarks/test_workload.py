import json
from pathlib import Path

import pytest

from benchmarks import workload
from benchmarks.synthetic import make


def test_lock_gets_every_address_and_metadata_every_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.nginx import serve

    made = make(50, tmp_path / "made")
    monkeypatch.setattr(workload, "KEPT", tmp_path / "kept")
    with serve(made.tarballs, tmp_path) as base:
        monkeypatch.setenv("npm_config_registry", base)
        stocked = workload.stock_up(made.project, tmp_path / "tarballs")
    assert stocked.paths == tuple(sorted(made.paths))
    copy = stocked.copy("http://other.example/", tmp_path / "copy")
    packages = json.loads((copy / "package-lock.json").read_text())["packages"]
    assert {entry["resolved"] for path, entry in packages.items() if path} == {
        f"http://other.example/{path}" for path in made.paths
    }
    stocked.write_metadata("http://other.example/", tmp_path / "metadata")
    document = json.loads((tmp_path / "metadata/made-up-000000/metadata").read_text())
    assert document["dist-tags"] == {"latest": "1.0.0"}
    assert document["versions"]["1.0.0"]["dist"]["tarball"].startswith("http://other.example/")
