"""Compare trees and refusals with npm's, over a corpus: ``python -m tests.fidelity CORPUS``.

A run goes on after a failure, and where it was interrupted: what npm made is kept by the project's
files, npm and Node.js; what Nix built by its derivation, which names everything that went into it.
So a second run builds again only what changed code builds otherwise, and asks npm nothing. Where a
derivation is the same for two npm versions, it is built once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.fidelity.corpus import find_projects
from tests.fidelity.listing import differences
from tests.fidelity.nix_trees import NixTrees
from tests.fidelity.npms import installed
from tests.fidelity.reference import Reference
from tests.fidelity.report import Row, Verdict, summary, table, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fidelity.corpus import Project
    from tests.fidelity.npms import Npm

_TREES: dict[str, tuple[str, ...]] = {"whole": (), "without dev": ("dev",)}
_SHOWN = 100


def main(arguments: Sequence[str]) -> int:
    """Run; the exit status is 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="make fidelity CORPUS=DIR", description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--state", type=Path, help="what is kept (default: CORPUS/.state)")
    parser.add_argument("--json", type=Path, help="the result (default: STATE/results.json)")
    parser.add_argument("--npm", default="10,11,12", help="major versions (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], help="projects whose name has this")
    parser.add_argument("--smallest", type=int, help="only so many, those with the smallest locks")
    parser.add_argument("--known", action="store_true", help="only what npm was run on before")
    options = parser.parse_args(arguments)
    state = (options.state or options.corpus / ".state").absolute()
    state.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="npm2nixlite-fidelity-", dir=_memory()) as scratch:
        run = _Run(state, Path(scratch), [installed(state, int(n)) for n in options.npm.split(",")])
        rows: list[Row] = []
        for project in find_projects(options.corpus.absolute()):
            if options.only and not any(part in project.name for part in options.only):
                continue
            if options.smallest is not None and options.smallest <= len({r.project for r in rows}):
                break
            for row in run.compare(project, known=options.known):
                rows.append(row)
                _tell(row)
            write_json(rows, options.json or state / "results.json")
    sys.stdout.write(f"\n{table(rows)}\n\n{summary(rows)}\n")
    bad = {Verdict.DIFFERENT, Verdict.FALSE_ACCEPTANCE, Verdict.FALSE_REFUSAL}
    return 1 if any(row.verdict in bad for row in rows) else 0


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _tell(row: Row) -> None:
    more = f" ({row.count})" if row.count else ""
    sys.stdout.write(
        f"{time.strftime('%H:%M:%S')} {row.project}: npm {row.npm}, {row.tree}: "
        f"{row.verdict}{more}{' (known)' if row.known else ''}\n"
    )
    for line in row.differences[:4]:
        sys.stdout.write(f"    {line}\n")
    if row.said and row.verdict in (Verdict.FALSE_REFUSAL, Verdict.FALSE_ACCEPTANCE):
        sys.stdout.write("".join(f"    {line}\n" for line in row.said.splitlines()[:3]))
    sys.stdout.flush()


class _Run:
    def __init__(self, state: Path, scratch: Path, npms: Sequence[Npm]) -> None:
        registry = subprocess.run(
            ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True
        ).stdout.strip()
        self._npms, self._state, self._scratch = npms, state, scratch
        self._reference = Reference(state, scratch, registry)
        self._trees = NixTrees(state, registry, _shown(npms))
        self._kept = state / "our-results"
        self._kept.mkdir(exist_ok=True)

    def compare(self, project: Project, *, known: bool) -> Iterator[Row]:
        """The rows of a project."""
        copy = project.copy(self._scratch / "work")
        generated = None
        for npm in self._npms:
            for tree, omit in _TREES.items():
                if known and self._reference.known(project, npm, omit) is None:
                    continue
                generated = generated or self._trees.generate(copy)
                theirs = self._reference.run(project, npm, omit)
                row = Row(project.name, npm.version, tree, Verdict.EQUAL)
                if not theirs.comparable:
                    yield replace(row, verdict=Verdict.OUT_OF_REACH, said=theirs.message)
                elif generated.status:
                    refused = Verdict.BOTH_REFUSE if theirs.code else Verdict.FALSE_REFUSAL
                    yield replace(row, verdict=refused, said=generated.said)
                else:
                    yield self._build(project, copy, npm, omit, row)

    def _build(
        self, project: Project, copy: Project, npm: Npm, omit: Sequence[str], row: Row
    ) -> Row:
        theirs = self._reference.run(project, npm, omit)
        try:
            derivation = self._trees.derivation(copy, npm, omit)
        except ValueError as error:
            refused = Verdict.BOTH_REFUSE if theirs.code else Verdict.FALSE_REFUSAL
            return replace(row, verdict=refused, said=str(error))
        file = self._kept / f"{project.digest()}-{Path(derivation).name}.json"
        if file.exists():
            kept = json.loads(file.read_text())
            return replace(Row(**{**kept, "differences": tuple(kept["differences"])}), known=True)
        built = self._trees.build(derivation)
        if built.error:
            refused = Verdict.BOTH_REFUSE if theirs.code else Verdict.FALSE_REFUSAL
            row = replace(row, verdict=refused, said=built.error)
        elif theirs.code:
            row = replace(row, verdict=Verdict.FALSE_ACCEPTANCE, said=theirs.message)
        else:
            listing = self._reference.listing(project, npm, omit)
            lock = json.loads(project.lock.read_bytes().decode("utf-8-sig"))
            version = 3 if "packages" in lock else 1
            found = [*differences(built.listing, listing, built.notes, theirs.notes, version)]
            verdict = Verdict.DIFFERENT if found else Verdict.EQUAL
            row = replace(
                row, verdict=verdict, paths=len(listing),
                differences=tuple(found[:_SHOWN]), count=len(found),
            )  # fmt: skip
        file.write_text(json.dumps(asdict(row)))
        return row


def _shown(npms: Sequence[Npm]) -> list[Path]:
    """Directories that the sandbox has to show for a Node.js to be found in it."""
    return sorted({npm.prefix for npm in npms})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
