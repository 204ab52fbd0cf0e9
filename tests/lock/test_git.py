from __future__ import annotations

import pytest

from npm2nixlite.lock.git import GitTree, git_tree

REV = "c0ffee" + "0" * 34


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("git+ssh://git@github.com/u/r.git", "https://github.com/u/r.git"),
        ("git+ssh://git@github.com:u/r.git", "https://github.com/u/r.git"),
        ("git+https://github.com/u/r.git", "https://github.com/u/r.git"),
        ("git://github.com/u/r", "https://github.com/u/r.git"),
        ("ssh://git@GitHub.com/u/r.git", "https://github.com/u/r.git"),
        ("github:u/r", "https://github.com/u/r.git"),
        ("gitlab:group/sub/r", "https://gitlab.com/group/sub/r.git"),
        ("git+ssh://git@gitlab.com/g/r.git", "https://gitlab.com/g/r.git"),
        ("bitbucket:u/r", "https://bitbucket.org/u/r.git"),
        ("gist:u/0123abcd", "https://gist.github.com/0123abcd.git"),
        ("gist:0123abcd", "https://gist.github.com/0123abcd.git"),
        ("git+https://f.example/a/b.git", "https://f.example/a/b.git"),
        ("git+http://f.example:3000/b", "http://f.example:3000/b"),
        ("git://f.example/b.git", "git://f.example/b.git"),
        ("git+ssh://deploy@f.example/srv/b.git", "ssh://deploy@f.example/srv/b.git"),
        ("git+ssh://git@f.example:2222/b.git", "ssh://git@f.example:2222/b.git"),
        ("git+ssh://git@f.example:a/b.git", "git@f.example:a/b.git"),
    ],
)
def test_each_spelling_has_its_address_and_forges_have_https(address: str, url: str) -> None:
    tree = git_tree(f"{address}#{REV}")
    assert isinstance(tree, GitTree)
    assert (tree.url, tree.rev, tree.directory) == (url, REV, "")
    forge = any(host in url for host in ("github.com", "gitlab.com", "bitbucket.org"))
    assert tree.on_forge == forge
    assert (tree.ssh or "").startswith("ssh://git@" if forge else "")


def test_a_directory_of_the_repository_may_be_meant() -> None:
    tree = git_tree(f"git+https://f.example/r.git#{REV}::path:/packages/a")
    assert tree == GitTree("https://f.example/r.git", REV, "packages/a")
    assert str(tree) == f"https://f.example/r.git#{REV}::path:packages/a"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("github:u/r", "gives no commit for it, only 'the default branch'"),
        ("github:u/r#main", "gives no commit for it, only 'main'"),
        ("github:u/r#semver:^1.0.0", "gives no commit for it, only 'semver:^1.0.0'"),
        (f"git+file:///srv/r.git#{REV}", "on the machine that wrote the lock"),
        (f"git+rsync://f.example/r#{REV}", "git does not fetch by rsync"),
        (f"git+https://f.example/r#{REV}::path:../x", "is not normal"),
        (f"git+https://f.example/a b#{REV}", "malformed"),
        (f"git+https://f.example/'x#{REV}", "malformed"),
        (f"--upload-pack=x#{REV}", "malformed"),
    ],
)
def test_what_cannot_be_fetched_again_says_why(address: str, reason: str) -> None:
    found = git_tree(address)
    assert isinstance(found, str)
    assert reason in found


def test_a_tree_is_named_by_its_repository() -> None:
    names = {
        "https://f.example/a/b.git": "b",
        "git@f.example:c.git": "c",
        "https://f.example/d/": "d",
    }
    for url, name in names.items():
        assert GitTree(url, REV).name == name
