"""Signatures against nix key and nix store sign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.store.narinfo import NarInfo, parse, render
from npm2nixlite.store.path import StorePath
from npm2nixlite.store.signature import PublicKey, SecretKey, read_secret_key, sign

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import NixElsewhere

INFO = NarInfo(
    StorePath("0" * 32, "a"),
    "nar/a",
    nar_hash=bytes(32),
    nar_size=1,
    references=(StorePath("1" * 32, "b"), StorePath("2" * 32, "c")),
)


@pytest.fixture
def key_file(nix: NixElsewhere, tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "test-1"))
    return file


@pytest.fixture
def key(key_file: Path) -> SecretKey:
    return read_secret_key(key_file)


@pytest.mark.nix
def test_the_public_key_is_the_one_nix_derives(
    nix: NixElsewhere, key_file: Path, key: SecretKey
) -> None:
    theirs = nix("nix", "key", "convert-secret-to-public", text=key_file.read_bytes()).decode()
    assert str(key.public_key) == theirs
    assert str(PublicKey.parse(theirs)) == theirs


@pytest.mark.nix
def test_signs_as_nix_store_sign_does(nix: NixElsewhere, key_file: Path, key: SecretKey) -> None:
    text = 'builtins.toFile "a" "${builtins.toFile "b" "x"} ${builtins.toFile "c" "y"}"'
    path = nix.line("nix-instantiate", "--eval", "--read-write-mode", "--expr", text).strip('"')
    nix("nix", "store", "sign", "--key-file", key_file, path)
    [theirs] = nix.path_info(path).values()
    cache = key_file.parent / "cache"
    nix("nix", "copy", "--to", f"file://{cache}", path)
    info = parse((cache / f"{StorePath.parse(path).digest}.narinfo").read_text())
    assert sign(replace(info, signatures=()), key).signatures == tuple(theirs["signatures"])
    assert key.public_key.verifies(info)


@pytest.mark.nix
def test_nix_verifies_what_we_sign_and_notices_what_we_did_not(
    nix: NixElsewhere, key_file: Path, key: SecretKey
) -> None:
    file = key_file.parent / "content"
    file.write_text("content")
    path = nix.line("nix-store", "--add", file)
    cache = key_file.parent / "cache"
    nix("nix", "copy", "--to", f"file://{cache}?compression=none", path)
    narinfo = cache / f"{StorePath.parse(path).digest}.narinfo"
    unsigned = replace(parse(narinfo.read_text()), signatures=(), ca="")
    verify = [
        "nix", "store", "verify", "--store", f"file://{cache}",
        "--trusted-public-keys", str(key.public_key), path,
    ]  # fmt: skip
    narinfo.write_text(render(sign(unsigned, key)))
    nix(*verify)
    narinfo.write_text(
        render(replace(sign(unsigned, key), signatures=("test-1:" + "A" * 86 + "==",)))
    )
    with pytest.raises(AssertionError, match="untrusted"):
        nix(*verify)


@pytest.mark.nix
def test_any_change_of_what_is_signed_breaks_the_signature(key: SecretKey) -> None:
    public = key.public_key
    signed = sign(INFO, key)
    assert public.verifies(signed)
    for other in (
        replace(signed, path=StorePath("0" * 32, "b")),
        replace(signed, nar_hash=bytes([1] * 32)),
        replace(signed, nar_size=2),
        replace(signed, references=signed.references[:1]),
        replace(signed, signatures=("test-1:not base 64",)),
        replace(signed, signatures=("other-1:" + signed.signatures[0].partition(":")[2],)),
        replace(signed, signatures=()),
    ):
        assert not public.verifies(other)
    assert public.verifies(replace(signed, url="nar/elsewhere", ca="fixed:x"))


@pytest.mark.nix
def test_a_broken_key_is_refused_without_being_shown(key_file: Path) -> None:
    secret = key_file.read_text()
    for broken in (secret[:-8], secret.partition(":")[2], secret[:20] + "AAAA" + secret[24:], ""):
        key_file.write_text(broken)
        with pytest.raises(InputError) as caught:
            read_secret_key(key_file)
        message = str(caught.value)
        assert message.startswith(f"{key_file}: ")
        assert secret[30:40] not in message


def test_a_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_secret_key(tmp_path / "none")


@pytest.mark.nix
def test_a_secret_key_is_not_in_its_representation(key_file: Path, key: SecretKey) -> None:
    assert key_file.read_text().partition(":")[2][:10] not in repr(key)
    assert SecretKey.parse(key_file.read_text()).name == "test-1"
