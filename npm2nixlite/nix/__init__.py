"""Whatever runs Nix: its commands, the local store, copying between stores, builds."""
