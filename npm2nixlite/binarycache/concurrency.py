"""Doing the same for many, a few at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

__all__ = ["each"]

T = TypeVar("T")


async def each(items: Iterable[T], jobs: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Do some work for each item, a few at once; the first failure ends it all."""
    pending: Iterator[T] = iter(items)

    async def worker() -> None:
        for item in pending:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
