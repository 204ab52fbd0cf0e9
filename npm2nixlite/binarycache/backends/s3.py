"""A binary cache in an S3 bucket: ``s3://BUCKET?region=…&endpoint=…``."""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from npm2nixlite.binarycache.backend import Stat
from npm2nixlite.binarycache.fault import own_fault
from npm2nixlite.errors import BuildError, InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from npm2nixlite.binarycache.backend import Body

__all__ = ["Bucket", "S3Backend"]

_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_REFUSED = (
    "the credentials need s3:GetObject, s3:PutObject, and s3:ListBucket, without which a file"
    " that is absent cannot be told from one that is refused"
)
_HINTS = {
    "NoSuchBucket": "make the bucket first; pushing makes none",
    "AccessDenied": _REFUSED,
    "403": _REFUSED,
    "InvalidAccessKeyId": "check AWS_ACCESS_KEY_ID, or the profile",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY, or the profile, and the region",
    "PermanentRedirect": "the bucket is in another region: s3://BUCKET?region=…",
    "AuthorizationHeaderMalformed": "the bucket is in another region: s3://BUCKET?region=…",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Which bucket, where; the names are those of Nix's own ``s3://`` addresses.

    Attributes:
        name: The bucket's name.
        endpoint: The server's address, for an S3 that is not Amazon's; empty for that.
        region: Where the bucket is.
        profile: Which credentials of ``~/.aws`` to use; empty for the usual look-up.
    """

    name: str
    endpoint: str
    region: str
    profile: str


class S3Backend:
    """Objects in a bucket; credentials are found as all of AWS's tools find them.

    Args:
        bucket: The bucket.
        connections: How many requests run at once.
        retries: How often a request is repeated where that may help.

    Raises:
        InputError: The client library is not installed.
    """

    def __init__(self, bucket: Bucket, *, connections: int, retries: int) -> None:
        if find_spec("aiobotocore") is None:
            raise InputError(
                "s3:// needs the Python package 'aiobotocore'",
                where=f"s3://{bucket.name}",
                hint="install it: pip install 'npm2nixlite[s3]'",
            )
        self._bucket = bucket
        self._connections = connections
        self._retries = retries
        self._stack = AsyncExitStack()
        self._client: Any = None  # aiobotocore makes its clients' methods at run time

    @property
    def address(self) -> str:
        """The bucket, and the server where it is not Amazon's."""
        endpoint = f"?endpoint={self._bucket.endpoint}" if self._bucket.endpoint else ""
        return f"s3://{self._bucket.name}{endpoint}"

    async def __aenter__(self) -> Self:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import AioSession

        config = AioConfig(
            max_pool_connections=self._connections,
            retries={"mode": "standard", "total_max_attempts": self._retries + 1},
            connect_timeout=30,
            read_timeout=60,
            # Servers other than Amazon's have one name for all buckets, and not all know checksums.
            s3={"addressing_style": "path" if self._bucket.endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._failures(""):
            session = AioSession(profile=self._bucket.profile or None)
            self._client = await self._stack.enter_async_context(
                session.create_client(
                    "s3",
                    region_name=self._bucket.region,
                    endpoint_url=self._bucket.endpoint or None,
                    config=config,
                )
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def get(self, key: str) -> bytes | None:
        """The object's content, or ``None``."""
        from botocore.exceptions import ClientError

        with self._failures(key):
            try:
                answer = await self._client.get_object(Bucket=self._bucket.name, Key=key)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            async with answer["Body"] as stream:
                content: bytes = await stream.read()
                return content

    async def stat(self, key: str) -> Stat | None:
        """Size and time of an object, or ``None``."""
        from botocore.exceptions import ClientError

        with self._failures(key):
            try:
                answer = await self._client.head_object(Bucket=self._bucket.name, Key=key)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return Stat(answer["ContentLength"], answer["LastModified"].timestamp())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The object's content in pieces."""
        with self._failures(key):
            answer = await self._client.get_object(Bucket=self._bucket.name, Key=key)
            async with answer["Body"] as stream:
                async for piece in stream.iter_chunks(1 << 20):
                    yield piece

    async def list(self) -> AsyncIterator[tuple[str, Stat]]:
        """All objects of the bucket."""
        with self._failures(""):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name)
            async for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"], Stat(entry["Size"], entry["LastModified"].timestamp())

    async def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        with self._failures(key):
            await self._client.delete_object(Bucket=self._bucket.name, Key=key)

    async def put(self, key: str, body: Body, content_type: str) -> None:
        """Put an object; it is there once it is whole."""
        source = body if isinstance(body, bytes) else body.open()
        try:
            with self._failures(key):
                await self._client.put_object(
                    Bucket=self._bucket.name, Key=key, Body=source, ContentType=content_type
                )
        finally:
            if not isinstance(source, bytes):
                source.close()

    @contextmanager
    def _failures(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        where = (self.address, key)
        try:
            yield
        except ClientError as error:
            code = _code(error)
            message = error.response.get("Error", {}).get("Message") or code
            raise BuildError(
                f"S3 answered {code}: {message}", where=where, hint=_HINTS.get(code, "")
            ) from error
        except (HTTPClientError, BotoCoreError, OSError) as error:
            if fault := own_fault(error):
                raise fault from None
            raise BuildError(
                f"S3 cannot be used: {error}",
                where=where,
                hint="check endpoint, region and credentials; what is there already is skipped",
            ) from error


def _code(error: Any) -> str:  # noqa: ANN401 (botocore has no types)
    return str(error.response.get("Error", {}).get("Code", "an error"))
