"""Write ``node-packages.nix``."""

from npm2nixlite.render.node_packages import (
    AnyPin,
    GitPin,
    LocalPin,
    Pin,
    Prepared,
    render_node_packages,
)
from npm2nixlite.render.syntax import nix_string

__all__ = ["AnyPin", "GitPin", "LocalPin", "Pin", "Prepared", "nix_string", "render_node_packages"]
