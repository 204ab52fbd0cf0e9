"""What npm is configured to do: which registry a package comes from, and with which credentials.

The order is npm's own: command line, environment, project's, user's and global ``.npmrc``.
Only where none of them names a registry is npm itself asked, so that no registry is a constant.
"""

from npm2nixlite.config.npmrc import Npmrc, parse_npmrc
from npm2nixlite.config.registry import RegistryConfig, load_registry_config

__all__ = ["Npmrc", "RegistryConfig", "load_registry_config", "parse_npmrc"]
