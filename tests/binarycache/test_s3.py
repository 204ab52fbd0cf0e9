"""Faults of S3, at a real API."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import boto3
import pytest

from npm2nixlite.binarycache.address import backend_at
from npm2nixlite.binarycache.backend import CollectableBackend
from npm2nixlite.binarycache.check import CheckOptions, check
from npm2nixlite.binarycache.collection import Retention, collect
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


@pytest.fixture
def signed(bucket: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The same server, which now checks signatures, and knows one user."""
    endpoint = bucket.for_nix.rpartition("/")[0]
    iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
    name = f"pusher-{bucket.for_nix[-8:]}"
    iam.create_user(UserName=name)
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    # The server is a thread of this process; from now on it checks each request.
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
    return bucket


async def test_requests_are_signed_as_a_server_that_checks_it_wants_them(
    signed: Place, files: list[FixedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with backend_at(signed.address) as backend:
        assert (await push(backend, files)).sent == len(files)
        assert (await push(backend, files)).present == len(files)
        found = await check(backend, CheckOptions("/nix/store", deep=True))
        assert (found.paths, found.faults) == (len(files), {})
        assert isinstance(backend, CollectableBackend)
        garbage = await collect(backend, Retention(roots=[files[1].store_path()], grace=0.0))
        assert (garbage.kept, len(garbage.paths)) == (1, len(files) - 1)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    message = await refused(signed.address, files)
    assert "SignatureDoesNotMatch" in message
    assert "check AWS_SECRET_ACCESS_KEY" in message
    assert "wrong" not in message
