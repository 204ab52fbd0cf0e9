"""A native addon, compiled by the node-gyp that npm brings, from a container's own tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import write_lock

if TYPE_CHECKING:
    from tests.support.container_host import Yard

pytestmark = [pytest.mark.container, pytest.mark.npm]

_ADDON = """\
#include <node_api.h>
static napi_value answer(napi_env env, napi_callback_info info) {
  napi_value value;
  napi_create_int32(env, 42, &value);
  return value;
}
NAPI_MODULE_INIT() {
  napi_create_function(env, "answer", NAPI_AUTO_LENGTH, answer, NULL, &exports);
  return exports;
}
"""
_BINDING = {"targets": [{"target_name": "addon", "sources": ["addon.c"]}]}


def test_npm_ci_compiles_an_addon_with_node_gyp(yard: Yard) -> None:
    if not Path("/usr/include/node/node_api.h").exists():
        pytest.skip("Node.js's headers are not installed; node-gyp would fetch them")
    (yard.source / "addon.c").write_text(_ADDON)
    (yard.source / "binding.gyp").write_text(json.dumps(_BINDING))
    write_lock(yard.source, {})
    manifest = {"name": "project", "version": "1.0.0", "gypfile": True}
    (yard.source / "package.json").write_text(json.dumps(manifest))
    load = "console.log(require('./build/Release/addon.node')())"
    script = yard.script(f'npm ci\nnode -e "{load}" >answer.txt\n')
    run = yard.program(
        *("container-build", "web-site", yard.source, script),
        *("--native", "--env=npm_config_nodedir=/usr"),
        PATH="/usr/sbin:/usr/bin:/sbin:/bin",  # the system's Python
    )
    assert run.status == 0, run.stderr + yard.log.read_text()
    assert yard.answer() == "42"
