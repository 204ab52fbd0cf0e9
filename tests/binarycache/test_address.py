"""Addresses of stores, and what they open."""

from __future__ import annotations

import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.errors import UsageError


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("file:///var/cache", "file:///var/cache"),
        ("file:///with%20space", "file:///with space"),
        ("https://cache.example/nix/", "https://cache.example/nix"),
        ("https://me:secret@cache.example:8443", "https://cache.example:8443"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket?region=eu-west-1&profile=ci", "s3://bucket"),
        ("s3://bucket?endpoint=s3.example", "s3://bucket?endpoint=https://s3.example"),
        ("s3://b?endpoint=s3.example:9&scheme=http", "s3://b?endpoint=http://s3.example:9"),
        ("s3://b?endpoint=http://s3.example", "s3://b?endpoint=http://s3.example"),
    ],
)
def test_an_address_is_shown_without_credentials(address: str, shown: str) -> None:
    assert backend_at(address).address == shown


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ssh-ng://me:secret@host", "no address of a binary cache"),
        ("daemon", "no address of a binary cache"),
        ("", "no address of a binary cache"),
        ("file://relative/dir", "three slashes"),
        ("file:relative", "three slashes"),
        ("file:///x?compression=xz", "parameter 'compression'"),
        ("https://me:secret@cache.example?secret-key=x", "parameter 'secret-key'"),
        ("https://", "names no host"),
        ("http://cache.example:port", "malformed"),
        ("http://me:secret@[::1", "malformed"),
        ("https://cache.example/#x", "fragment"),
        ("s3://", "names a bucket"),
        ("s3://bucket/prefix", "names a bucket"),
        ("s3://bucket?colour=green", "parameter 'colour'"),
    ],
)
def test_what_is_no_address_is_refused_without_showing_credentials(address: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        backend_at(address)
    assert "me:secret" not in str(caught.value)
