"""go-types: the types that the program has descriptors of."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple, Union

from ..binary.types import Field, InterfaceMethod, Method, Signature, Type, kind_word
from ..errors import NOT_APPLICABLE, UNPARSABLE, Absent, Maybe
from .base import Command, Result, add_limit
from .symbols import compile_pattern

if TYPE_CHECKING:
    from ..session import Session


@dataclass
class TypeView:
    """One type. What is None nobody asked for; () is what has none.

    methods: its own, or what an interface asks for, each with the function's name where code is there for it.
    """

    type: Type
    fields: Optional[Maybe[Tuple[Field, ...]]] = None
    methods: Optional[Maybe[Tuple[Tuple[Union[Method, InterfaceMethod], Maybe[str]], ...]]] = None
    signature: Optional[Maybe[Signature]] = None


@dataclass
class TypeList:
    """Types by name; total: how many matched; unreadable: bytes of the tables that could not be looked at."""

    types: List[TypeView]
    total: int
    full: bool
    unreadable: int


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only names, with whole import paths, that match it")
    parser.add_argument("--kind", metavar="K", help="only this kind, as reflect names it: struct, ptr, map, interface")
    parser.add_argument("-l", "--long", action="store_true", help="with fields, methods and parts")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    pattern, types = compile_pattern(options.regex), session.types
    kind = (options.kind or "").lower()
    found = [each for each in types.all() if kind in ("", kind_word(each.kind), each.kind.lower())]
    named = sorted(((full_name(each), each.address, each) for each in found), key=lambda item: item[:2])
    listed = [each for name, _, each in named if pattern.search(name) or pattern.search(each.name)]
    views = [_view(session, each, options.long or options.json) for each in listed[: options.limit]]
    lost = sum(end - start for start, end in types.unreadable())
    if lost:
        session.program.warnings.append(f"{lost} bytes of the type tables cannot be read: types are missing")
    return Result("go-types", TypeList(views, len(listed), options.long, lost), list(session.warnings))


def full_name(kind: Type) -> str:
    found = kind.full_name
    return kind.name if isinstance(found, Absent) else found


def _view(session: Session, kind: Type, full: bool) -> TypeView:
    if not full:
        return TypeView(kind)
    view = TypeView(kind, methods=_methods(session, kind))
    if kind.kind == "Struct":
        view.fields = kind.fields
    if kind.kind == "Func":
        view.signature = kind.signature
    return view


def _methods(session: Session, kind: Type) -> Maybe[Tuple[Tuple[Union[Method, InterfaceMethod], Maybe[str]], ...]]:
    nothing = Absent(NOT_APPLICABLE)
    if kind.kind == "Interface":
        asked = kind.interface_methods
        return asked if isinstance(asked, Absent) else tuple((each, nothing) for each in asked)
    own = kind.methods
    return own if isinstance(own, Absent) else tuple((each, _code(session, each)) for each in own)


def _code(session: Session, method: Method) -> Maybe[str]:
    if isinstance(method.tfn, Absent):
        return method.tfn
    found = session.modules.find(method.tfn)
    return found[1].name if found is not None else Absent(UNPARSABLE, f"{method.tfn:#x} is in no Go function")


def complete(session: Session, words: Sequence[str], word: str) -> List[str]:
    return sorted({each.name for each in session.types.all() if each.name.startswith(word)})


COMMAND = Command(
    name="go-types",
    help="List the types that the program has descriptors of.",
    run=run,
    arguments=arguments,
    details="""The linker leaves a descriptor of every type that the program may convert to an interface, and of
its parts: with name, kind, size and package, fields with offsets and tags, methods and their code.
ADDRESS is that of the descriptor.

  go-types ^main\\.
  go-types --kind interface
  go-types -l ^main.Order$""",
    complete=complete,
)
