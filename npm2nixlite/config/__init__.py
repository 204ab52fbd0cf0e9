"""What npm is configured to do: which registry a package comes from, and with which credentials.

The order is npm's own: command line, environment, project's, user's and global ``.npmrc``.
Only where none of them names a registry is npm itself asked, so that no registry is a constant.
"""
