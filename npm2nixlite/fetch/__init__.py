"""Fetch tarballs over HTTP: verified against every hash, into the download cache, fast.

`job` says what is to be fetched and what came of it. `pool.fetch_all` is the whole of it for a
caller: it spreads jobs over processes; `worker` runs one event loop's share of them, `client`
gets one address (retries, redirects, credentials), `partial` takes a body to disk while it is
hashed, and `metadata` asks a registry.

Nothing is imported here: the HTTP library takes longer to load than a run with a warm cache.
"""
