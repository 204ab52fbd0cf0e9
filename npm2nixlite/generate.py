"""The main job: locks in, ``node-packages.nix`` files out."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.agreement.allow_scripts import Decisions, scripts_of_project
from npm2nixlite.agreement.decision import Decision, decide, decide_by_tarballs
from npm2nixlite.config.project_file import Project
from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.config.tree_settings import project_settings
from npm2nixlite.errors import FetchError, InputError, UsageError
from npm2nixlite.files import read_file, reason
from npm2nixlite.lock.find import LOCK_NAMES, find_lock
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.messages import plural
from npm2nixlite.node_packages.changes import Changes, compare
from npm2nixlite.node_packages.from_lock import Prepared, node_packages_of
from npm2nixlite.node_packages.model import GitPin, LocalPin, NodePackages, Pin
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.node_packages.read import read_node_packages
from npm2nixlite.node_packages.write import write_node_packages
from npm2nixlite.plan import Blocker, Plan, plan_lock
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.local_files import pin_local_file
from npm2nixlite.sources.resolve import Resolution, Wanted, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from npm2nixlite.cache import Cache
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.node_packages.model import AnyPin
    from npm2nixlite.plan import Address
    from npm2nixlite.progress import Progress
    from npm2nixlite.sources.git import GitSources

__all__ = ["GenerateOptions", "Generated", "generate", "write_all"]

_LARGEST = 1 << 30  # bytes of a generated file
_SHOWN = 20  # lines of one message
_OMIT_SETTING = "omit-lockfile-registry-resolved"


@dataclass(frozen=True)
class GenerateOptions:
    """How to generate.

    Attributes:
        fetch: Connections, retries, timeout.
        output: The one project's output file; None for `OUTPUT_NAME` beside each lock.
        offline: Open no connection.
        trust_lock: Take the lock's sha512 hashes for granted.
        registry: Goes before every configured registry base.
        npmrc: Read in the place of the user's ``.npmrc``.
        omit_registry: Write no default for the argument ``registry``, whatever the lock names.
        require_canonical: Refuse a lock with blockers.
        require_sha512: Refuse a lock that vouches for a tarball with less than sha512.
    """

    fetch: FetchOptions
    output: Path | None = None
    offline: bool = False
    trust_lock: bool = False
    registry: str | None = None
    npmrc: Path | None = None
    omit_registry: bool = False
    require_canonical: bool = False
    require_sha512: bool = False


@dataclass(frozen=True)
class Generated:
    """One project's generated file, not yet written.

    Attributes:
        project: As the caller named it.
        plan: What its lock needs.
        decision: What is true of its packages, and what npm makes of it.
        pins: Install path → what fills it, with its hash.
        prepared: Git dependencies that are built before they are packed, and by which pins.
        output: Where the file belongs.
        content: What it should say.
        scripts: Whose install scripts the project lets run, and for whom it does not say.
        text: The content, written.
        old_text: What it holds; None where there is none.
    """

    project: Path
    plan: Plan
    decision: Decision
    pins: Mapping[str, AnyPin]
    prepared: Mapping[GitTree, Prepared]
    output: Path
    content: NodePackages
    scripts: Decisions
    text: str
    old_text: str | None

    @property
    def up_to_date(self) -> bool:
        """Whether the file is as it should be."""
        return self.text == self.old_text

    def changes(self) -> Changes:
        """What differs between the file and what it should hold."""
        if self.old_text is None:
            return Changes(note="the file is missing")
        try:
            old = read_node_packages(self.old_text, str(self.output))
        except InputError as error:
            return Changes(note=error.what)
        return compare(old, self.content)


def generate(
    projects: Sequence[Path | Project],
    cache: Cache,
    options: GenerateOptions,
    progress: Progress = no_progress,
) -> tuple[list[Generated], Resolution]:
    """Translate locks; writes nothing but the cache.

    Args:
        projects: Directories with a lock, or locks, or what a project file says of them.
        cache: The download cache.
        options: How to.
        progress: Told how the fetch goes.

    Raises:
        UsageError: One output for several projects.
        InputError: A lock cannot be used, or has blockers where none may be.
        FetchError: Packages could not be fetched or verified.
    """
    if options.output is not None and len(projects) != 1:
        raise UsageError(
            f"one output file for {len(projects)} projects",
            hint="give -o with one project; without it each file goes beside its lock",
        )
    named = [item if isinstance(item, Project) else Project(item) for item in projects]
    wanted = [_wanted(project, options) for project in named]
    git = [_git_sources(item, cache, options) for item in wanted]
    own_locks = [own for sources in git for own in sources.own_locks]
    for project, item, sources in zip(named, wanted, git, strict=True):
        if options.require_sha512 or project.require_sha512:
            _check_vouched_for([item.plan, *(own.plan for own in sources.own_locks)])
    resolution = resolve(
        [*wanted, *(own.wanted for own in own_locks)],
        cache,
        options.fetch,
        offline=options.offline,
        # What a lock of version 1 does not say of its packages, their tarballs do.
        trust_lock=options.trust_lock and all(item.plan.lock.version != 1 for item in wanted),
        progress=progress,
    )
    pins_of_own = iter(resolution.pins[len(wanted) :])
    generated = []
    for project, undecided, sources, pins in zip(named, wanted, git, resolution.pins, strict=False):
        item = _decided(undecided, {**pins, **_local_pins(undecided.plan)}, cache)
        plan = _with_obstacles(item.plan, sources)
        filled: dict[str, AnyPin] = {**pins, **_local_pins(plan), **_git_pins(plan, sources)}
        prepared = {
            own.tree: Prepared(own.plan.lock, {**pins, **own.local, **_git_pins(own.plan, sources)})
            for own, pins in zip(sources.own_locks, pins_of_own, strict=False)
        }
        _check_one_content((filled, *(built.pins for built in prepared.values())))
        omit = options.omit_registry or project.omit_registry
        omit = omit or item.config.settings.get(_OMIT_SETTING) == "true"
        named_bases = (plan.registry, *(own.plan.registry for own in sources.own_locks))
        registry = None if omit else next(filter(None, named_bases), None)
        directory = Path(plan.lock.file).parent
        output = options.output or project.output or directory / OUTPUT_NAME
        scripts = scripts_of_project(plan.lock, item.config.settings)
        content = node_packages_of(
            plan.lock,
            filled,
            plan.blockers,
            registry,
            # Only local tarballs lie there; without any, the file is the same wherever it goes.
            Path(os.path.relpath(directory, output.parent)).as_posix() if plan.local_files else ".",
            prepared,
            item.decision.recorded,
            scripts.decided,
        )
        text, old_text = write_node_packages(content), _read(output)
        generated.append(
            Generated(
                project.path,
                plan,
                item.decision,
                filled,
                prepared,
                output,
                content,
                scripts,
                text,
                old_text,
            )
        )
    _check_canonical(
        item
        for item, project in zip(generated, named, strict=True)
        if options.require_canonical or project.require_canonical
    )
    return generated, resolution


def write_all(generated: Iterable[Generated]) -> None:
    """Write the files that are not up to date, all of them or none.

    Where one cannot be put in place, those before it get what they held.

    Raises:
        InputError: One cannot be written; then none is.
    """
    staged: list[tuple[Path, Path]] = []
    replaced: list[tuple[Path, str | None]] = []
    try:
        for item in generated:
            if not item.up_to_date:
                output = item.output.resolve()  # a link is followed
                staged.append((_stage(item.text, output), output))
                replaced.append((output, item.old_text))
        try:
            for partial, output in staged:
                partial.replace(output)
        except OSError:
            _restore(replaced)
            raise
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(error.filename2 or error.filename),
        ) from error
    finally:
        for partial, _ in staged:
            with suppress(FileNotFoundError):
                partial.unlink()


def _restore(outputs: Iterable[tuple[Path, str | None]]) -> None:
    """Have files hold what they held, as far as that can be."""
    for output, old_text in outputs:
        with suppress(OSError):
            if old_text is None:
                output.unlink(missing_ok=True)
            else:
                _stage(old_text, output).replace(output)


def _wanted(project: Project, options: GenerateOptions) -> Wanted:
    try:
        return _read_project(project, options)
    except ValueError as error:
        raise InputError(f"cannot be understood: {error}", where=str(project.path)) from error
    except RecursionError:
        raise InputError(
            "its lock or package.json is nested too deep", where=str(project.path)
        ) from None


def _read_project(project: Project, options: GenerateOptions) -> Wanted:
    lock = read_lock(find_lock(project.path))
    config: RegistryConfig = load_registry_config(
        Path(lock.file).absolute().parent,
        user_file=options.npmrc,
        registry=options.registry or project.registry,
    )
    directory = Path(lock.file).parent
    decision = Decision(lock)
    if Path(lock.file).name in LOCK_NAMES:  # any other is no project's, to npm
        decision = decide(lock, project_settings(directory), config.configured)
    plan = plan_lock(decision.lock, config.scope_registry)
    return Wanted(replace(plan, dropped=decision.stale), config, decision)


def _decided(item: Wanted, pins: Mapping[str, AnyPin], cache: Cache) -> Wanted:
    """With what only the tarballs tell, where the lock does not say it."""
    directory = Path(item.plan.lock.file).parent
    tarballs = {
        path: directory / pin.path if isinstance(pin, LocalPin) else cache.path(pin.sha512)
        for path, pin in pins.items()
        if isinstance(pin, Pin | LocalPin)
    }
    decision = decide_by_tarballs(item.decision, tarballs)
    return replace(item, plan=replace(item.plan, lock=decision.lock), decision=decision)


def _local_pins(plan: Plan) -> dict[str, LocalPin]:
    directory = Path(plan.lock.file).parent
    return {
        path: pin
        for wanted in plan.local_files
        for pin in [pin_local_file(wanted, directory)]
        for path in wanted.install_paths
    }


def _git_sources(wanted: Wanted, cache: Cache, options: GenerateOptions) -> GitSources:
    from npm2nixlite.sources.git import GitSources, find_git_sources

    if not wanted.plan.trees:
        return GitSources({}, {}, ())
    return find_git_sources(wanted, cache, options.fetch, offline=options.offline)


def _git_pins(plan: Plan, sources: GitSources) -> dict[str, GitPin]:
    built = {own.tree for own in sources.own_locks}
    return {
        path: GitPin(tree, revision.sha256, revision.submodules, tree in built)
        for tree, paths in plan.trees.items()
        for revision in [sources.revisions[tree]]
        for path in paths
    }


def _with_obstacles(plan: Plan, sources: GitSources) -> Plan:
    """The plan, with the blockers that only the trees themselves tell."""
    found = [
        Blocker(path, f"git dependency: {obstacle}")
        for tree, paths in plan.trees.items()
        for obstacle in sources.obstacles[tree]
        for path in paths
    ]
    blockers = sorted((*plan.blockers, *found), key=lambda blocker: blocker.install_path)
    return replace(plan, blockers=tuple(blockers))


def _check_one_content(pins: Iterable[Mapping[str, AnyPin]]) -> None:
    """Refuse what several locks give different hashes: a file can fetch an address only once."""
    known: dict[Address, Integrity] = {}
    for path, pin in (item for mapping in pins for item in mapping.items()):
        if isinstance(pin, Pin) and known.setdefault(pin.address, pin.sha512) != pin.sha512:
            raise FetchError(
                f"{pin.address.path} has another hash in a git dependency's own lock",
                where=path,
                hint="one of the two locks is wrong about it; 'npm install' makes them anew",
            )


def _check_vouched_for(plans: Iterable[Plan]) -> None:
    """Refuse what a lock vouches for with less than sha512."""
    weak = [f"  {plan.lock.file}: {path}" for plan in plans for path in plan.weakly_vouched_for()]
    if weak:
        more = len(weak) - _SHOWN
        lines = [*weak[:_SHOWN], *([f"  … and {more:,} more"] if more > 0 else [])]
        raise InputError(
            "\n".join((f"the lock gives no sha512 for {plural(len(weak), 'package')}:", *lines)),
            hint="'npm install --package-lock-only' takes the registry's hashes into the lock; "
            "without --require-sha512 they are computed from what comes",
        )


def _check_canonical(generated: Iterable[Generated]) -> None:
    lines = [
        f"  {item.plan.lock.file}: {blocker.install_path}: {blocker.reason}"
        for item in generated
        for blocker in item.plan.blockers
    ]
    if lines:
        raise InputError(
            "\n".join((f"not canonical, {plural(len(lines), 'blocker')}:", *lines)),
            hint="without --require-canonical the file is written all the same",
        )


def _read(output: Path) -> str | None:
    try:
        mode = output.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("it is no regular file")
        return read_file(output, _LARGEST).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(
            f"this output cannot be: {reason(error)}",
            where=str(output),
            hint="name a file, or one that does not exist yet",
        ) from error


def _stage(text: str, output: Path) -> Path:
    """Write the text to a file beside the output, as the umask has it.

    Raises:
        OSError: It cannot be written; the error names the output.
    """
    try:
        descriptor, partial = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            # No fsync: it would wait for all that was just fetched to reach the disk, for a file
            # that can be made anew; what a rename replaces is whole either way.
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
                umask = os.umask(0)
                os.umask(umask)
                os.fchmod(file.fileno(), 0o666 & ~umask)
        except BaseException:
            Path(partial).unlink()
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output)) from error
    return Path(partial)
