"""go-info: which Go built the program, how well it is understood, and what runs in it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple, TypeVar

from ..binary.buildinfo import ModuleVersion
from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, GoxrayError, Maybe
from .base import Command, Result

if TYPE_CHECKING:
    from ..session import Session

T = TypeVar("T")


@dataclass(frozen=True)
class ModuleInfo:
    """A module's text range [text, etext) and its number of functions; name "" is the program itself."""

    name: str
    address: int
    text: int
    etext: int
    functions: int


@dataclass(frozen=True)
class Counts:
    """What runs: goroutines of the program's own, of the runtime, Ms, threads of the target, and Ps."""

    goroutines: int
    system_goroutines: int
    machines: int
    threads: int
    gomaxprocs: Maybe[int]


@dataclass(frozen=True)
class Info:
    go_version: str
    arch: str
    kind: str
    executable: Optional[str]
    load_bias: int
    pclntab: int
    pclntab_layout: str
    functions: int
    layout_source: Maybe[str]
    main_path: str
    main_module: Optional[ModuleVersion]
    dependencies: List[ModuleVersion]
    settings: Dict[str, str]
    modules: Maybe[List[ModuleInfo]]
    counts: Maybe[Counts]


def run(session: Session, options: argparse.Namespace) -> Result:
    program = session.program
    build = program.build_info
    info = Info(
        go_version=program.go_version,
        arch=program.arch,
        kind=session.target.kind,
        executable=program.image.path,
        load_bias=program.image.bias,
        pclntab=program.header.address,
        pclntab_layout=program.header.layout,
        functions=program.header.functions,
        layout_source=_or_why(lambda: session.layout.source),
        main_path=build.path if build else "",
        main_module=build.main if build else None,
        dependencies=build.dependencies if build else [],
        settings=build.settings if build else {},
        modules=_or_why(lambda: _modules(session)),
        counts=_counts(session),
    )
    return Result("go-info", info, list(session.warnings))


def _or_why(get: Callable[[], T]) -> Maybe[T]:
    try:
        return get()
    except GoxrayError as error:
        return Absent(UNREADABLE, str(error))


def _modules(session: Session) -> List[ModuleInfo]:
    return [
        ModuleInfo(m.plugin_path or m.name, m.address, m.text, m.fields["etext"], m.header.functions)
        for m in session.modules.all
    ]


def _counts(session: Session) -> Maybe[Counts]:
    if session.target.kind == "file":
        return Absent(NOT_APPLICABLE, "there is no process")
    return _or_why(lambda: _count(session))


def _count(session: Session) -> Counts:
    from ..runtime.clock import processors

    world = session.world
    user, system = world.stats()
    threads: Tuple[int, int] = (len(world.machines), len(session.target.threads()))
    return Counts(user, system, *threads, _or_why(lambda: len(processors(session))))


COMMAND = Command(
    name="go-info",
    help="Which Go built this program, how, and what is known of it.",
    run=run,
    details="Works on a bare executable, a core and a live process; what cannot be told says why.",
)
