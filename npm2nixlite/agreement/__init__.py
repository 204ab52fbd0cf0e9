"""Whether a lock agrees with the ``package.json`` files it was made from, as ``npm ci`` asks."""
