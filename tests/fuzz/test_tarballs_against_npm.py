"""Any tarball unpacks to npm's tree, or is refused: never to another tree."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

from npm2nixlite.assemble.header import BadTarballError
from npm2nixlite.assemble.unpack import unpack
from npm2nixlite.files import remove_tree, walk
from tests.fuzz.npm_unpack import NpmUnpack, Tree
from tests.fuzz.tarballs import tarball

COUNT = int(os.environ.get("FUZZ_TARBALLS", "1000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


def ours(data: bytes, scratch: Path) -> Tree | str:
    """The tree this program makes, or its refusal."""
    target = scratch / "ours" / "package"
    remove_tree(target.parent)
    archive = scratch / "ours.tgz"
    archive.write_bytes(data)
    try:
        unpack(archive, str(target))
    except BadTarballError as error:
        return str(error)
    return {
        os.path.relpath(file.path, target): (
            file.stat().st_mode & 0o777,
            hashlib.sha256(Path(file.path).read_bytes()).hexdigest(),
        )
        for file in walk(target)
        if file.is_file()
    }


def test_a_tarball_unpacks_to_the_tree_of_npm_or_is_refused(tmp_path: Path) -> None:
    same = 0
    old = os.umask(0o022)
    try:
        with NpmUnpack(tmp_path) as npm:
            for number in range(COUNT):
                data = tarball(random.Random(f"{SEED} {number}"))
                tree = ours(data, tmp_path)
                if isinstance(tree, dict):
                    assert npm.tree(data) == tree, f"FUZZ_SEED={SEED}: archive {number} differs"
                    same += 1
    finally:
        os.umask(old)
        remove_tree(tmp_path)  # it is deeper than pytest can remove
    assert same > COUNT // 4  # most that are refused would say nothing
