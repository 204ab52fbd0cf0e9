"""Write docs/mempool-options.md, the reference of all options of the NixOS modules.

    python nix/modules/reference/write.py
    python nix/modules/reference/write.py --check

`--check` writes nothing, and exits with 1 where the page is not what the modules say. Needs Nix,
and no nixpkgs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any, TypedDict

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "mempool-options.md"
NETWORK = "services.mempool.<network>"

HEAD = """\
# Options of the mempool modules

Made from the modules by `nix/modules/reference/write.py`; do not edit it. [mempool.md](mempool.md)
says how they belong together. `<network>` is one of {networks}, `<name>` a name of yours.
"""


class Option(TypedDict):
    """One option, as `options.nix` gives it."""

    name: str
    type: str
    description: str
    default: str | None
    example: str | None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0, or 1 where the page is stale."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where it is stale")
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE")
    chosen = parser.parse_args(arguments)
    text = page(evaluate(HERE / "options.nix"), evaluate(HERE.parent / "lib" / "networks.nix"))
    if chosen.check:
        if chosen.output.exists() and chosen.output.read_text() == text:
            return 0
        sys.stderr.write(
            f"{chosen.output}: not what the modules say\n  Run: python {Path(__file__).name}\n"
        )
        return 1
    chosen.output.write_text(text)
    return 0


def page(options: list[Option], networks: dict[str, object]) -> str:
    """The whole page."""
    names = ", ".join(f"`{name}`" for name in sorted(networks))
    parts = [HEAD.format(networks=names)]
    for section, members in groupby(sorted(options, key=_order), key=_section):
        parts.append(f"\n## {section}\n")
        parts.extend(entry(option) for option in members)
    return "".join(parts)


def entry(option: Option) -> str:
    """What the page says of an option."""
    lines = [f"\n### `{option['name']}`\n", option["description"].strip(), ""]
    lines.append(f"- type: {option['type']}")
    lines.extend(
        f"- {kind}: `{' '.join(text.split())}`"
        for kind in ("default", "example")
        if (text := option[kind]) is not None
    )
    text = "\n".join(lines) + "\n"
    # They were declared for one network, in the place of all.
    return text.replace("mainnet", "<network>") if option["name"].startswith(NETWORK) else text


def evaluate(file: Path) -> Any:  # noqa: ANN401  # whatever the file holds
    """A Nix file's value."""
    done = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", str(file)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def _section(option: Option) -> str:
    parts = option["name"].split(".")
    depth = 2
    if parts[:2] == ["services", "mempool"] and len(parts) > 3:
        depth = 3
    return ".".join(parts[:depth])


def _order(option: Option) -> tuple[str, str]:
    return _section(option), option["name"]


if __name__ == "__main__":
    sys.exit(main())
