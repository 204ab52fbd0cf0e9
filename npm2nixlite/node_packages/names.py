"""Names: the generated file's own, and the store path's that a fetched file gets."""

from __future__ import annotations

import re

__all__ = ["OUTPUT_NAME", "store_name"]

OUTPUT_NAME = "node-packages.nix"
"""The file's name beside a lock."""

_VALID = re.compile(r"[0-9A-Za-z+_?=-][0-9A-Za-z+._?=-]{0,206}")
_MOST = 207  # characters: Nix's limit of 211, less the ".drv" of the derivation's own path


def store_name(address: str) -> tuple[str, bool]:
    """The store path name for a tarball's address.

    Args:
        address: A whole one, or the path below a registry base.

    Returns:
        The name; and whether it must be given, because the address's base name, which fetchers
        take by themselves, is no valid one.
    """
    base = address.rpartition("/")[2]
    if _VALID.fullmatch(base):
        return base, False
    name = re.split(r"[?#]", address, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^0-9A-Za-z+._=-]", "-", name).lstrip(".")[:_MOST]
    return name or "source.tgz", True
