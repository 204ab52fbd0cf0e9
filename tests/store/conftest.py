from tests.nix_store import nix

__all__ = ["nix"]
