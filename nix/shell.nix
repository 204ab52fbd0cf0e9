# A shell to work on this program in: what it runs with, its tests, its linters.
#
#   nix-shell nix/shell.nix --run "python -m pytest -n auto"
{
  pkgs ? import <nixpkgs> { },
}:
pkgs.mkShell {
  nativeBuildInputs = [
    (pkgs.python3.withPackages (
      python: import ./python-dependencies.nix python ++ [
        python.hypothesis
        python.matplotlib
        python.moto
        python.mypy
        python.pytest
        python.pytest-asyncio
        python.pytest-xdist
        python.types-tqdm
      ]
    ))
    pkgs.git
    pkgs.nix
    pkgs.nodejs
    pkgs.ruff
    pkgs.shellcheck
  ];
  # The program of the checkout, as `python -m npm2nixlite`.
  shellHook = ''
    export PYTHONPATH="$PWD''${PYTHONPATH:+:$PYTHONPATH}"
  '';
}
