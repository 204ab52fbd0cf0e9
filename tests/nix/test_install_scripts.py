"""Install scripts: whose run, with what, how often, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.nix_project import NixProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

# leaves what node-gyp leaves, and says what it was built with
NATIVE = """\
mkdir -p build/Release/obj.target/native/src build/Release/.deps
touch build/Release/obj.target/native/src/a.o build/Release/.deps/a.d build/Makefile \
  build/config.gypi build/native.target.mk build/Release/native.a
echo "$WORD $npm_config_build_from_source $(helper) $(head -n 1 source)" > build/Release/native.node
rm removed
"""


@pytest.fixture
def project(tmp_path: Path, nix: Nix, registry: Registry, home: Path) -> NixProject:
    made = NixProject(tmp_path / "project", nix, registry, home)
    helper = Member("package/helper.js", b"#!/usr/bin/env node\nconsole.log('helped')\n")
    made.add(
        "node_modules/helper",
        package("helper", helper, bin="helper.js"),
        bin={"helper": "helper.js"},
    )
    native = package(
        "native",
        Member("package/source", b"old\n"),
        Member("package/removed", b""),
        Member("package/script.sh", NATIVE.encode()),
        scripts={"install": "sh script.sh"},
    )
    made.add("node_modules/native", native, dependencies={"helper": "1.0.0"}, hasInstallScript=True)
    made.add("node_modules/other", package("other", Member("package/x", b"x")))
    touch = package("touch", scripts={"postinstall": "touch touched"})
    made.add("node_modules/touch", touch, dev=True, hasInstallScript=True)
    made.manifest["scripts"] = {"build": "cat node_modules/native/build/Release/native.node > b"}
    made.generate()
    return made


def built_addons(said: str) -> list[str]:
    return [
        line.split("-npm-addon-")[1].split("'")[0]
        for line in said.splitlines()
        if line.startswith("building '") and "-npm-addon-" in line
    ]


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


def test_an_addon_is_built_once_for_all_trees_and_leaves_no_object_files(
    project: NixProject,
) -> None:
    done = project.run('build { allowScripts = [ "native" "touch" ]; WORD = "w"; }')
    assert done.returncode == 0, done.stderr
    assert sorted(built_addons(done.stderr)) == ["native-1.0.0.drv", "touch-1.0.0.drv"]
    modules = project.nix.root.joinpath(done.stdout.strip()) / "lib/node_modules/project"
    native = modules / "node_modules/native"
    assert files(native) == {"package.json", "source", "script.sh", "build/Release/native.node"}
    assert (native / "build/Release/native.node").read_text() == "w  helped old\n"
    assert not (modules / "node_modules/touch").exists()


def test_it_is_built_anew_only_for_what_it_depends_on(project: NixProject) -> None:
    expression = 'npm.mkNodeModules { inherit packages lock; allowScripts = [ "native" ]; }'
    assert built_addons(project.run(expression).stderr) == ["native-1.0.0.drv"]
    project.add("node_modules/other", package("other", Member("package/x", b"changed")))
    project.generate()
    done = project.run(expression)
    assert done.returncode == 0, done.stderr
    assert "project-node-modules" in done.stderr
    assert built_addons(done.stderr) == []
    helper = Member("package/helper.js", b"#!/usr/bin/env node\nconsole.log('again')\n")
    project.add(
        "node_modules/helper",
        package("helper", helper, bin="helper.js"),
        bin={"helper": "helper.js"},
    )
    project.generate()
    done = project.run(expression)
    assert built_addons(done.stderr) == ["native-1.0.0.drv"]
    native = project.nix.root.joinpath(done.stdout.strip()) / "node_modules/native"
    assert "again" in (native / "build/Release/native.node").read_text()


def test_inputs_variables_and_flags_are_for_one_package(project: NixProject) -> None:
    tree = project.build(
        """npm.mkNodeModules { inherit packages lock; allowScripts = [ "native" "touch" ];
          env.WORD = "all";
          installScripts.native = {
            env.WORD = "one"; flags = [ "--build-from-source" ];
            nativeBuildInputs = [ (tools.stdenv.mkDerivation {
              name = "helper"; buildCommand = ''
                mkdir -p $out/bin; echo echo from input > $out/bin/head
                sed -i '1i #!/bin/sh' $out/bin/head; chmod +x $out/bin/head ''; }) ];
          }; }"""
    )
    made = (tree / "node_modules/native/build/Release/native.node").read_text()
    assert made == "one true helped from input\n"


def test_denials_win_and_versions_are_matched(project: NixProject) -> None:
    def native(arguments: str) -> bool:
        tree = project.build(f"npm.mkNodeModules {{ inherit packages lock; {arguments} }}")
        return (tree / "node_modules/native/build").exists()

    assert native('allowScripts = { "native@1.0.0 || 2.0.0" = true; touch = false; };')
    assert not native('allowScripts = { "native@1.0.0" = true; native = false; };')
    said = project.refused(
        'npm.mkNodeModules { inherit packages lock; allowScripts."native@3.0.0" = true; }'
    )
    assert "another version" in said
    assert "1.0.0" in said
    said = project.refused("build { installScripts.native = { }; }")
    assert "allowScripts" in said


def test_a_patched_addon_is_built_from_the_patched_source(project: NixProject) -> None:
    patch = "--- a/node_modules/native/source\n+++ b/node_modules/native/source\n"
    project.write("patches/native+1.0.0.patch", f"{patch}@@ -1 +1 @@\n-old\n+new\n")
    built = project.build(
        f"""build {{ allowScripts = [ "native" ];
          packagePatches = {project.directory}/patches; }}"""
    )
    native = built / "lib/node_modules/project/node_modules/native"
    assert "new" in (native / "build/Release/native.node").read_text()
    assert (native / "source").read_text() == "new\n"


@pytest.mark.parametrize(
    "given",
    [
        'packagePatches.native = {0}/patches + "/native+1.0.0.patch";',
        'packagePatches.native = [ ({0}/patches + "/native+1.0.0.patch") ];',
        'packagePatches = [ ({0}/patches + "/native+1.0.0.patch") ];',
        'packagePatches = "${{src}}/patches";',
    ],
)
def test_patches_are_taken_in_every_form(project: NixProject, given: str) -> None:
    patch = "--- a/node_modules/native/source\n+++ b/node_modules/native/source\n"
    project.write("patches/native+1.0.0.patch", f"{patch}@@ -1 +1 @@\n-old\n+new\n")
    built = project.build(f"build {{ {given.format(project.directory)} dontNpmBuild = true; }}")
    assert (built / "lib/node_modules/project/node_modules/native/source").read_text() == "new\n"
