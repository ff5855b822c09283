"""The goxray command as an adapter: the commands over a core file, an executable or a process, with no debugger."""

from __future__ import annotations

import argparse
import os
import struct
import sys
from contextlib import ExitStack
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .commands import arguments, find, names, runner
from .errors import UserError
from .session import Session

_ET_CORE = 4
_PREFIX = "go-"
RAN_ON = "the program ran on while it was read, so not all need fit together; --stop holds it still"


class Place(NamedTuple):
    """What is to be looked at."""

    exe: Optional[str]
    core: Optional[str]
    pid: Optional[int]
    stop: bool
    force: bool


def command_names() -> List[str]:
    """What may stand after `goxray`: the commands without "go-"."""
    return [name[len(_PREFIX) :] for name in names()]


def main(name: str, words: Sequence[str]) -> int:
    """Run `goxray NAME WORDS...`; the command's own status."""
    debug = "--debug" in words
    with ExitStack() as stack:
        try:
            place, rest = _split(_PREFIX + name, words)
        except UserError as error:
            # Told by the command itself: with --json it is a document.
            failure, place, rest = error, None, list(words)

        def session() -> Session:
            if place is None:
                raise failure
            return _session(place, stack)

        if place is None:
            rest = [word for word in rest if word == "--json"]
        outcome = runner.run(session, _PREFIX + name, rest, debug, "--debug")
    sys.stdout.write(outcome.text)
    sys.stdout.flush()
    sys.stderr.write(outcome.trace)
    if outcome.error:
        sys.stderr.write(f"goxray: {outcome.error}\n")
    return outcome.status


def _split(name: str, words: Sequence[str]) -> Tuple[Place, List[str]]:
    """The place, and the words that are the command's own: all but the options below and the first ELF files named.

    name: the command's, with "go-".
    """
    parser = arguments.Parser("goxray")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--debug", action="store_true")
    # The command's own; known here so that its value, a file that may be there already, is not the one to look at.
    parser.add_argument("--output", "-o")
    options, rest = parser.parse_known_args(list(words))
    rest += ["--help"] if options.help else []
    exe, core, own = None, None, []
    for word in rest:
        kind = None if word.startswith("-") else _elf_kind(word)
        if kind == _ET_CORE and core is None:
            core = word
        elif kind not in (None, _ET_CORE) and exe is None:
            exe = word
        else:
            own.append(word)
    own += ["--output", options.output] if options.output is not None else []
    place = Place(exe, core, options.pid, options.stop, options.force)
    _check(place, own)
    _check_files(name, own)
    return place, own


def _check_files(name: str, own: Sequence[str]) -> None:
    """Words that the command has no use for, and that name a file, were meant to be looked at."""
    try:
        arguments.parse(find(name), own)
    except UserError:
        for word in own:
            if not word.startswith("-") and os.path.exists(word):
                raise UserError(f"{word}: {_what_it_is(word)}") from None
    except arguments.HelpAsked:
        pass


def _what_it_is(path: str) -> str:
    """Of a file that is not taken for a program or core."""
    if os.path.isdir(path):
        return "is a directory"
    if os.path.isfile(path) and not os.path.getsize(path):
        return "is empty"
    return "a program and a core is all that can be looked at" if _elf_kind(path) else "is no ELF file"


def _check(place: Place, own: Sequence[str]) -> None:
    if place.pid is not None:
        if place.core:
            raise UserError("a core file and --pid: only one of them can be looked at")
        return
    if place.stop:
        raise UserError("--stop wants --pid PID")
    if place.exe or place.core or "--help" in own:
        return
    stray = next((word for word in own if not word.startswith("-")), None)
    if stray is not None:
        what = _what_it_is(stray) if os.path.exists(stray) else "no such file"
        raise UserError(f"{stray}: {what}; name a core file ([EXE] CORE) or --pid PID")
    raise UserError("nothing to look at: name a core file ([EXE] CORE) or --pid PID")


def _elf_kind(path: str) -> Optional[int]:
    """e_type of an ELF file; None for anything else."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(18)
    except (OSError, ValueError):
        return None
    return int(struct.unpack_from("<H", head, 16)[0]) if head[:4] == b"\x7fELF" and len(head) == 18 else None


def _session(place: Place, stack: ExitStack) -> Session:
    if place.pid is not None:
        from .targets.proc import ProcTarget
        from .targets.still import held_still

        target = ProcTarget(place.pid, place.exe)
        stack.callback(target.close)
        if place.stop:
            stack.enter_context(held_still(place.pid))
        return Session(target, [] if place.stop else [RAN_ON], place.force)
    if place.core is not None:
        from .targets.core import CoreTarget

        core = CoreTarget(place.exe, place.core)
        return Session(core, core.remarks, place.force)
    from .targets.file import FileTarget

    assert place.exe is not None
    return Session(FileTarget(place.exe))


def add_help(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """List the commands in `goxray --help`."""
    from .commands import REGISTRY

    for entry in REGISTRY:
        commands.add_parser(entry.name[len(_PREFIX) :], help=entry.help, add_help=False)
