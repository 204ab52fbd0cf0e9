"""Faults of S3, at a real API."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import boto3
import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.push import push
from npm2nixlite.errors import BuildError
from tests.binarycache.places import Place, free_port, s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from npm2nixlite.store.fixed_file import FixedFile


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with s3() as place:
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        yield place


async def refused(address: str, files: list[FixedFile]) -> str:
    with pytest.raises(BuildError) as caught:
        async with backend_at(address, retries=1) as backend:
            await push(backend, files)
    assert caught.value.exit_status == 4
    return str(caught.value)


async def test_a_bucket_that_is_missing_is_named(bucket: Place, files: list[FixedFile]) -> None:
    message = await refused(bucket.address.replace("s3://cache", "s3://none"), files)
    assert message.startswith("s3://none")
    assert "make the bucket first" in message


async def test_missing_credentials_are_told(
    bucket: Place, files: list[FixedFile], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "credentials" in await refused(bucket.address, files)


async def test_a_profile_that_is_missing_is_told(bucket: Place, files: list[FixedFile]) -> None:
    assert "(nobody)" in await refused(f"{bucket.address}&profile=nobody", files)


async def test_a_server_that_is_down_is_named(bucket: Place, files: list[FixedFile]) -> None:
    address = f"s3://cache?endpoint=127.0.0.1:{free_port()}&scheme=http"
    assert "Could not connect to the endpoint" in await refused(address, files)
    assert bucket


async def test_a_refusal_is_told(bucket: Place, files: list[FixedFile]) -> None:
    """The policy of the bucket forbids putting anything."""
    name = bucket.address.removeprefix("s3://").partition("?")[0]
    client = boto3.client(
        "s3", endpoint_url=bucket.for_nix.removesuffix(f"/{name}"), region_name="us-east-1"
    )
    forbid = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [forbid]})
    await asyncio.to_thread(client.put_bucket_policy, Bucket=name, Policy=policy)
    client.close()
    message = await refused(bucket.address, files)
    assert "403" in message
    assert "s3:PutObject" in message
