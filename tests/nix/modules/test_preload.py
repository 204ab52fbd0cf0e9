"""What is loaded before the backend: where it listens, and addresses of files for its axios."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.npm

PRELOAD = Path(__file__).parents[3] / "nix/modules/runtime/preload.js"


def run(directory: Path, main: str, **variables: str) -> Any:
    (directory / "dist").mkdir()
    (directory / "dist/index.js").write_text(main)
    # As a container's result is run from: through a link.
    (directory / "current").symlink_to(directory)
    done = subprocess.run(
        ["node", f"--require={PRELOAD}", directory / "current/dist/index.js"],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


LISTEN = """\
const http = require('http');
const made = [];
const open = (...how) => new Promise((resolve) => {
  const server = http.createServer();
  server.listen(...how, () => { made.push(server); resolve(server.address()); });
});
(async () => {
  const found = [];
  for (const how of HOW) found.push((await open(...how)).address || 'a path');
  console.log(JSON.stringify(found));
  for (const server of made) server.close();
})();
"""


class TestListening:
    def test_is_at_the_given_address_however_it_is_asked_for(self, tmp_path: Path) -> None:
        how = [[0], ["0"], [{"port": 0}], [0, 100]]
        found = run(
            tmp_path, LISTEN.replace("HOW", json.dumps(how)), MEMPOOL_LISTEN_ADDRESS="127.0.0.1"
        )
        assert found == ["127.0.0.1"] * len(how)

    def test_leaves_alone_who_names_an_address_or_a_path(self, tmp_path: Path) -> None:
        how = [[0, "127.0.0.2"], [{"port": 0, "host": "127.0.0.3"}], [str(tmp_path / "socket")]]
        found = run(
            tmp_path, LISTEN.replace("HOW", json.dumps(how)), MEMPOOL_LISTEN_ADDRESS="127.0.0.1"
        )
        assert found == ["127.0.0.2", "127.0.0.3", "a path"]

    def test_without_an_address_node_listens_everywhere(self, tmp_path: Path) -> None:
        found = run(tmp_path, LISTEN.replace("HOW", "[[0]]"))
        assert found[0] in ("::", "0.0.0.0")


# As pools-updater.ts asks: for the tree, which has the file's hash, and for the file.
POOLS = """\
const axios = require('axios');
(async () => {
  const tree = (await axios.get(process.env.TREE, { timeout: 1000 })).data;
  const pools = (await axios.get(process.env.FILE, { timeout: 1000 })).data;
  let missing = 'none';
  await axios.get(process.env.TREE + '/absent.json').catch((error) => { missing = error.code; });
  console.log(JSON.stringify({ tree, pools, missing }));
})();
"""


@pytest.fixture(scope="module")
def install(
    tmp_path_factory: pytest.TempPathFactory, public_registry: str
) -> Callable[[str], Path]:
    """Install an axios, once."""
    made: dict[str, Path] = {}

    def installed(version: str) -> Path:
        if version not in made:
            made[version] = tmp_path_factory.mktemp("axios")
            subprocess.run(
                [
                    *("npm", "install", "--no-audit", "--no-fund", f"--registry={public_registry}"),
                    f"axios@{version}",
                ],
                cwd=made[version],
                check=True,
                capture_output=True,
            )
        return made[version]

    return installed


# Those of mempool 2.5.1, 3.2.1 and 3.3.1.
@pytest.mark.parametrize("version", ["0.27.2", "1.8.1", "1.13.5"])
def test_mempools_axios_reads_files_and_trees(
    install: Callable[[str], Path], tmp_path: Path, version: str
) -> None:
    (tmp_path / "pools").mkdir()
    text = b'[{"id": 1, "name": "a pool"}]\n'
    (tmp_path / "pools/pools-v2.json").write_bytes(text)
    (tmp_path / "node_modules").symlink_to(install(version) / "node_modules")
    found = run(
        tmp_path, POOLS, TREE=f"file:{tmp_path}/pools", FILE=f"file:{tmp_path}/pools/pools-v2.json"
    )
    assert found["pools"] == json.loads(text)
    blob = hashlib.sha1(b"blob %d\0" % len(text) + text, usedforsecurity=False).hexdigest()
    assert found["tree"] == {"tree": [{"path": "pools-v2.json", "sha": blob}]}
    assert found["missing"] == "ENOENT"
