"""The registry: every command's name, one line of help, and the module that is imported when it first runs.

An adapter registers commands from this table alone, so that loading it costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Dict, List, NamedTuple

if TYPE_CHECKING:
    from .base import Command


class Entry(NamedTuple):
    """A command that has not been imported yet; `module` has a COMMAND."""

    name: str
    help: str
    module: str


REGISTRY = (
    Entry("go-info", "Which Go built this program, how, and what is known of it.", "shared_core.commands.info"),
    Entry("go-symbols", "List functions with address, size, file and line.", "shared_core.commands.symbols"),
    Entry(
        "go-load-symbols",
        "Give the debugger symbols, lines, frames and types, for its own commands.",
        "shared_core.commands.load_symbols",
    ),
    Entry("go-goroutines", "List goroutines, and their stacks if asked.", "shared_core.commands.goroutines"),
    Entry("go-goroutine", "Show one goroutine in full.", "shared_core.commands.goroutine"),
    Entry("go-waits", "Show what goroutines wait for, and who waits for the same.", "shared_core.commands.waits"),
    Entry("go-leaks", "Show goroutines that look abandoned, and why.", "shared_core.commands.leaks"),
    Entry("go-threads", "List threads, which M each is, and what it does.", "shared_core.commands.threads"),
    Entry("go-traceback", "Print tracebacks in the Go runtime's own form.", "shared_core.commands.traceback"),
    Entry("go-args", "Print os.Args and the environment, or the arguments of frames.", "shared_core.commands.args"),
    Entry("go-types", "List the types that the program has descriptors of.", "shared_core.commands.types"),
    Entry("go-value", "Show the value at an address, in Go's syntax.", "shared_core.commands.value"),
    Entry("go-stackmap", "Show which words of a frame are live pointers.", "shared_core.commands.stackmap"),
    Entry("go-sched", "Show the scheduler: Ps, Ms, their queues, and what has changed.", "shared_core.commands.sched"),
    Entry(
        "go-memory",
        "Show what the heap, stacks and mappings take, and when the collector runs next.",
        "shared_core.commands.memory",
    ),
    Entry("go-heap", "Count the objects of the heap, by size class, state or type.", "shared_core.commands.heap"),
    Entry(
        "go-object",
        "Show the heap object that holds an address: span, size class, type, pointers in it.",
        "shared_core.commands.object",
    ),
    Entry("go-refs", "Show who points to a heap object, and what keeps it alive.", "shared_core.commands.refs"),
    Entry(
        "go-find",
        "Find a value, a text or pointers into a range in heap, stacks and variables.",
        "shared_core.commands.findmemory",
    ),
    Entry("go-newproc", "Let the program run, and log each goroutine as it is made.", "shared_core.commands.newproc"),
    Entry("go-crash", "Show what brought the program down, and of which class that is.", "shared_core.commands.crash"),
    Entry("go-report", "Put what the other commands tell into one page.", "shared_core.commands.report"),
)

_extra: Dict[str, Command] = {}


def names() -> List[str]:
    """The names of all commands, in the order in which help lists them."""
    return [entry.name for entry in REGISTRY] + list(_extra)


def find(name: str) -> Command:
    """The command called `name`, imported now if need be; KeyError if there is none."""
    if name in _extra:
        return _extra[name]
    for entry in REGISTRY:
        if entry.name == name:
            command: Command = import_module(entry.module).COMMAND
            return command
    raise KeyError(name)


def add(command: Command) -> None:
    """Add a command beside the built-in ones: for scripts that extend goxray, and for tests."""
    _extra[command.name] = command


def all_commands() -> List[Command]:
    """Every command, imported."""
    return [find(name) for name in names()]
