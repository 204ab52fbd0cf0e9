"""What the Nix library does with a project besides assembling: scripts, workspaces, installing.

Standard library only: all of it runs inside the Nix sandbox, or in a shell that Nix made.
"""
