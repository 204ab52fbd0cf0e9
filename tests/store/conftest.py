from tests.support.nix import nix_elsewhere

__all__ = ["nix_elsewhere"]
