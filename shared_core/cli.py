"""The goxray command: looks at cores and processes, sets up debuggers, and makes layouts."""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import List, Optional, Sequence

from . import __version__, standalone
from .errors import GoxrayError

FINE, UNANSWERED = 0, 2


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run `goxray WORDS...`; the exit status, with one line on stderr when something cannot be done.

    words: None for those that this very process was started with, and ends with.
    """
    if words is not None:
        return _run(list(words))
    # A million objects and few cycles: all that the collector would do is look at them, once more at the end.
    gc.disable()
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()


def _run(given: List[str]) -> int:
    if given and given[0] in standalone.command_names():
        return standalone.main(given[0], given[1:])
    if given[:1] == ["ci"]:
        from .ci.command import main as ci

        return ci(given[1:])
    options = _parser().parse_args(given)
    try:
        options.run(options)
    except GoxrayError as error:
        print(f"goxray: {error}", file=sys.stderr)
        return UNANSWERED
    except KeyboardInterrupt:
        print("goxray: interrupted", file=sys.stderr)
        return UNANSWERED
    return FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="goxray", description="X-ray sight into stripped Go programs for GDB and LLDB."
    )
    parser.add_argument("--version", action="version", version=f"goxray {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    standalone.add_help(commands)
    commands.add_parser(
        "ci", help="Look at many cores for a CI job: verdicts, a status, JUnit and SARIF.", add_help=False
    )
    _add_install(commands, "gdb", "source gdb_go_ext")
    _add_install(commands, "lldb", "command script import lldb_go_ext")
    _add_layout(commands)
    return parser


def _add_install(commands: argparse._SubParsersAction[argparse.ArgumentParser], debugger: str, line: str) -> None:
    """install-gdb, uninstall-gdb and their like; line: what the user then says to the debugger."""
    text = f"make `{line}` work in {debugger} from any directory, by lines in its start-up file"
    parser = commands.add_parser(f"install-{debugger}", help=text, description=text)
    parser.add_argument("--print", action="store_true", dest="show", help="print the lines, change nothing")
    parser.set_defaults(run=_install, debugger=debugger, line=line)
    text = f"take the lines of install-{debugger} out again"
    parser = commands.add_parser(f"uninstall-{debugger}", help=text, description=text)
    parser.set_defaults(run=_uninstall, debugger=debugger)


def _add_layout(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "make the layout of the runtime's structures for a Go toolchain that goxray does not know"
    parser = commands.add_parser("layout", help=text, description=text)
    parser.add_argument("--go", required=True, metavar="PATH", type=Path, help="the toolchain's bin/go")
    parser.add_argument("--arch", action="append", choices=["amd64", "arm64"], help="default: both; may be repeated")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to put it; default: where goxray looks for it")
    parser.set_defaults(run=_layout)


def _startup(debugger: str) -> ModuleType:
    """The module that knows the debugger's start-up file."""
    return import_module(f"{__package__}.{debugger}init")


def _install(options: argparse.Namespace) -> None:
    module = _startup(options.debugger)
    if options.show:
        print(module.block(), end="")
        return
    change = module.install()
    print(f"{change.path}: {change.what}; in {options.debugger}, `{options.line}` now works from any directory")


def _uninstall(options: argparse.Namespace) -> None:
    changes = _startup(options.debugger).uninstall()
    for change in changes:
        print(f"{change.path}: {change.what}")
    if not changes:
        print(f"{options.debugger}'s start-up file has no lines of goxray's")


def _layout(options: argparse.Namespace) -> None:
    from .layouts import cli_generate

    arches: List[str] = options.arch or ["amd64", "arm64"]
    for path in cli_generate(options.go, arches, options.out):
        print(f"{path}: written")
