"""What tests share: real tarballs, a registry on loopback that misbehaves on command, Nix."""
