"""Fetch tarballs over HTTP: verified against every hash, into the download cache, fast.

`fetch_all` is the whole of it for a caller. Below it, `pool` spreads jobs over processes,
`worker` runs one event loop's share of them, `client` gets one address (retries, redirects,
credentials), `partial` takes a body to disk while it is hashed, and `metadata` asks a registry.
"""

from npm2nixlite.fetch.job import Failure, Fetched, FetchOptions, Job
from npm2nixlite.fetch.pool import fetch_all

__all__ = ["Failure", "FetchOptions", "Fetched", "Job", "fetch_all"]
