"""Which files are packed: held against the installed npm's own packing."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.pack.files import packed_files
from npm2nixlite.pack.glob import parse_rule
from tests.support.npm import ask_npm

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, files: dict[str, str]) -> Path:
    """Write files; ``path*`` is executable, ``path@`` a link to its content."""
    for path, content in files.items():
        file = directory / path.rstrip("*@")
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("@"):
            file.symlink_to(content)
        else:
            file.write_text(content)
            file.chmod(0o755 if path.endswith("*") else 0o644)
    return directory


def manifest(**fields: Any) -> str:
    return json.dumps({"name": "p", "version": "1.0.0", **fields})


COMMON = {
    "index.js": "",
    "lib/a.js": "",
    "lib/b.ts": "",
    "lib/deep/index.js": "",
    "lib/deep/c.map": "",
    "test/t.js": "",
    "README.md": "",
    "readme~": "",
    "LICENSE": "",
    "license.txt": "",
    "CHANGELOG.md": "",
    ".npmrc": "",
    "lib/.npmrc": "",
    ".gitattributes": "",
    ".DS_Store": "",
    "lib/._x": "",
    "x.orig": "",
    ".a.swp": "",
    "npm-debug.log": "",
    "package-lock.json": "{}",
    "lib/package-lock.json": "{}",
    "yarn.lock": "",
    "node_modules/dep/package.json": "{}",
    "lib/node_modules/dep/index.js": "",
    "CVS/x": "",
    "lib/.svn/y": "",
    "build/config.gypi": "",
    "lib/build/config.gypi": "",
    "bin/run": "",
    "bin/other*": "",
    "archived-packages/x": "",
    "link@": "index.js",
    "star*name*": "",
    "empty/.gitkeep": "",
    "@scope/x.js": "",
    "Docs/A.MD": "",
}
LAYOUTS: dict[str, dict[str, str]] = {
    "nothing": {"package.json": manifest()},
    "files-directory": {"package.json": manifest(files=["lib"])},
    "files-slash": {"package.json": manifest(files=["lib/", "./test"])},
    "files-glob": {"package.json": manifest(files=["lib/**/*.js", "*.md"])},
    "files-star": {"package.json": manifest(files=["lib/*"])},
    "files-single": {"package.json": manifest(files=["lib/a.js", "/test/t.js", "index.js"])},
    "files-negated": {"package.json": manifest(files=["lib", "!lib/deep", "!**/*.ts"])},
    "files-empty": {"package.json": manifest(files=[])},
    "files-missing": {"package.json": manifest(files=["nowhere", "dist/**"])},
    "files-forbidden": {"package.json": manifest(files=["node_modules", ".npmrc", "yarn.lock"])},
    "files-all": {"package.json": manifest(files=["."])},
    "files-star-all": {"package.json": manifest(files=["**"])},
    "files-braces": {"package.json": manifest(files=["{lib,test}/*.{js,ts}"])},
    "main-outside": {"package.json": manifest(files=["test"], main="lib/deep/index.js")},
    "main-dot": {"package.json": manifest(files=["test"], main="./index.js")},
    "browser": {"package.json": manifest(files=["test"], browser="lib/a.js")},
    "browser-object": {"package.json": manifest(files=["test"], browser={"a": "b"}), "b": ""},
    "bins": {"package.json": manifest(files=["test"], bin={"a": "./bin/run", "b": "bin/other"})},
    "bin-string": {"package.json": manifest(files=["test"], bin="bin/run")},
    "npmignore": {"package.json": manifest(), ".npmignore": "test\n*.ts\n!lib/b.ts\n# x\n"},
    "gitignore": {"package.json": manifest(), ".gitignore": "/lib/deep/\nindex.js\n!/index.js\n"},
    "both": {"package.json": manifest(), ".gitignore": "lib", ".npmignore": "test\n"},
    "nested-ignores": {
        "package.json": manifest(),
        ".gitignore": "*.map\n",
        "lib/.gitignore": "a.js\n!deep/c.map\n",
        "lib/deep/.npmignore": "index.js\n",
    },
    "files-and-nested": {
        "package.json": manifest(files=["lib"]),
        ".npmignore": "lib/a.js\n",
        "lib/.npmignore": "b.ts\ndeep\n",
    },
    "files-single-nested": {
        "package.json": manifest(files=["lib/deep/c.map", "lib/b.ts"]),
        "lib/.npmignore": "*\n",
        "lib/deep/.gitignore": "*\n",
    },
    "everything-ignored": {"package.json": manifest(main="index.js"), ".npmignore": "*\n"},
    "crlf": {"package.json": manifest(), ".npmignore": "test\r\n\r\n*.ts\r\n"},
    "case": {"package.json": manifest(), ".npmignore": "docs\nLIB/A.js\n"},
    "inside-parent-taken-back": {
        "package.json": manifest(),
        ".npmignore": "lib/*\n!lib/deep\nlib/deep/*.map\n",
    },
    "globstar": {"package.json": manifest(), ".npmignore": "**/deep/**\n**/x.js\ntest/**/t.js\n"},
    "classes": {"package.json": manifest(), ".npmignore": "[a-l]ib\n+(x|y).orig\n[!a-z]*.md\n"},
    "workspaces": {
        "package.json": manifest(workspaces=["packages/*"]),
        "packages/a/package.json": manifest(files=["x"]),
        "packages/a/.npmignore": "y\n",
        "packages/a/x": "",
        "packages/a/y": "",
        "lib/package.json": '{"a": [\n"a.js"\n]}',
        "lib/.npmignore": "a.js\n",
    },
}


def test_a_directory_without_package_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no package\.json"):
        packed_files(tmp_path)
    (tmp_path / "package.json").write_text("[]")
    with pytest.raises(InputError, match="no object"):
        packed_files(tmp_path)


def test_links_are_left_out_and_modes_are_kept_but_for_bins(tmp_path: Path) -> None:
    layout = {"package.json": manifest(bin={"p": "cli.js"}), "cli.js": "", "x*": "", "l@": "x"}
    packed = {file.path: file.executable for file in packed_files(write(tmp_path, layout))}
    assert packed == {"package.json": False, "cli.js": True, "x": True}


@pytest.mark.npm
def test_npm_pack_packs_the_same_files_of_every_layout(tmp_path: Path) -> None:
    for name, layout in LAYOUTS.items():
        write(tmp_path / name, {**COMMON, **layout})
    names = sorted(LAYOUTS)
    done = subprocess.run(
        ["npm", "pack", "--dry-run", "--json", "--ignore-scripts", *(f"./{n}" for n in names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    if isinstance(answers, dict):  # by name in newer versions; all are named p
        answers = list(answers.values())
    assert len(answers) == len(names)
    for name, answer in zip(names, answers, strict=True):
        expected = {(f["path"], bool(f["mode"] & 0o100)) for f in answer["files"]}
        packed = {(f.path, f.executable) for f in packed_files(tmp_path / name)}
        assert packed == expected, name


_PACKLIST = """
const packlist = MODULES['npm-packlist'];
const Arborist = MODULES['@npmcli/arborist'];
const one = async path => packlist(await new Arborist({ path }).loadActual(), { path });
(async () => {
  const all = [];
  for (const path of data) all.push((await one(path)).map(f => f.replace(/^\\.\\//, '')).sort());
  console.log(JSON.stringify(all));
})();
"""

_WORDS = (
    *("lib", "test", "deep", "*.js", "*.map", "**", "*", "a.js", "index.js", "lib/*", "deep/*"),
    *("lib/deep", "**/*.ts", "[a-d]*", "{lib,test}", "?ib", "Docs", "*.MD", "lib/**/c.map"),
    *("/index.js", "/lib", "deep/index.js", "build", "empty", "@scope", "+(lib|test)", "!(lib)"),
    *("lib/", "test/", ".*", "b.*", "bin", "R*", ".gitattributes", "lib/deep/*.js"),
)


@pytest.mark.npm
def test_npms_packlist_gives_the_same_files_for_random_rules(tmp_path: Path) -> None:
    dice = random.Random(7)
    paths = []
    for number in range(150):
        layout = dict(COMMON)
        fields: dict[str, Any] = {}
        if dice.random() < 0.5:
            fields["files"] = [rule(dice) for _ in range(dice.randrange(1, 4))]
        if dice.random() < 0.3:
            fields["main"] = dice.choice(["index.js", "./lib/a.js", "lib/deep"])
        layout["package.json"] = manifest(**fields)
        for place in ("", "lib/", "lib/deep/"):
            for file in (".npmignore", ".gitignore"):
                if dice.random() < 0.25:
                    lines = [rule(dice) for _ in range(dice.randrange(1, 5))]
                    layout[place + file] = "\n".join(lines) + "\n"
        paths.append(write(tmp_path / str(number), layout))
    answers = ask_npm(_PACKLIST, [str(path) for path in paths], "npm-packlist", "@npmcli/arborist")
    for path, expected in zip(paths, answers, strict=True):
        rules = {str(f.relative_to(path)): f.read_text() for f in path.rglob(".*ignore")}
        packed = [file.path for file in packed_files(path)]
        assert packed == sorted(expected), ((path / "package.json").read_text(), rules)


def rule(dice: random.Random) -> str:
    return ("!" if dice.random() < 0.35 else "") + dice.choice(_WORDS)


_MINIMATCH = """
const { Minimatch } = MODULES.minimatch;
const options = { matchBase: true, dot: true, flipNegate: true, nocase: true };
console.log(JSON.stringify(data.map(([rule, path, partly]) => {
  const m = new Minimatch(rule, options);
  return [m.negate, m.match(path, partly)];
})));
"""
_PATTERNS = (
    *("a", "/a", "a/", "/a/", "*", "**", "/**", "**/", "a/**", "**/a", "a/**/b", "/a/*/c", "*.js"),
    *("a*b", "?", "[ab]", "[!a]", "[^a]b", "[a-c].js", "[]a]", "[a", "a]", "[[:digit:]]", "\\*"),
    *("{a,b}", "{a,b}/c", "x{1..3}", "{a}", "{a,{b,c}}d", "a{,.*[^~$]}", "{a..c}", "${a,b}"),
    *("@(a|b)", "?(a)b", "*(ab)", "+(a|b)c", "!(a)", "!(a|b).js", "a!(b)", "a/!(b)", "@(a", "!a"),
    *("!!a", "a/./b", "a/../b", "**/**/a", "a//b", "..", ".", ".*", "*.*", "a/b/../**", "\\a"),
    *("a|b", "^a$", "a.b", "A", "[A-C]", "a**", "**a", "a/**/*.js", "**/.a", "[b-a]", "x[.]y"),
    *("{01..3}", "(a)"),
)
_PATHS = (
    *("a", "/a", "a/", "/a/", "b", "A", "a/b", "/a/b", "a/b/", "a/x/b", "a/x/y/b", "a/b/c", "ab"),
    *("acb", "a.js", "/x/a.js", "b.js", "bc", "abc", "abab", "d", "ad", "bd", ".a", "/.a", "x/.a"),
    *("x2", "x4", "02", "{a}", "a~", "a.md", "a.md~", "[a", "a]", "]", "1", "*", "x.y", "xzy"),
    *("^a$", "a.b", "(a)", "..", ".", "", "/", "@(a", "$a", "${a", "a!", "c/a", "/c/a/", "a|b"),
)


@pytest.mark.npm
def test_rules_match_as_npms_minimatch_does() -> None:
    cases = [
        (pattern, path, partly)
        for pattern in _PATTERNS
        for path in _PATHS
        for partly in (False, True)
    ]
    answers = ask_npm(_MINIMATCH, cases, "minimatch")
    wrong = [
        (case, expected)
        for case, expected in zip(cases, answers, strict=True)
        if [parse_rule(case[0]).negated, parse_rule(case[0]).matches(case[1], partly=case[2])]
        != expected
    ]
    assert wrong == []
