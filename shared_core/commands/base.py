"""What a command is: declared once here, registered by every adapter, run without a debugger in sight."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence

if TYPE_CHECKING:
    import argparse

    from ..session import Session

FINE, FOUND, UNANSWERED = 0, 1, 2


@dataclass
class Result:
    """A command's answer, before any formatting.

    name: the command's, "go-goroutines"; it picks the renderer.
    body: a typed dataclass of the command's own, which its renderer knows.
    status: FINE, FOUND (something worth a failing CI step) or UNANSWERED.
    written: the command has put what it made into --output's file itself, and its answer is about that.
    """

    name: str
    body: object
    warnings: List[str] = field(default_factory=list)
    status: int = FINE
    written: bool = False


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """For commands that take none of their own."""


@dataclass(frozen=True)
class Command:
    """One command.

    arguments: adds the command's own options to a parser; --json and --output are there already.
    details: the long help after the list of options, with examples.
    complete: (session, words before the cursor, the word being typed) -> candidates; asked only for words that
    are no options, and any error in it means no candidates.
    """

    name: str
    help: str
    run: Callable[[Session, argparse.Namespace], Result]
    arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    details: str = ""
    complete: Optional[Callable[[Session, Sequence[str], str], Sequence[str]]] = None


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options of every command."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--output", "-o", metavar="FILE", help="write the answer to FILE instead of printing it")


def add_limit(parser: argparse.ArgumentParser) -> None:
    """--limit N, for commands that list: None when not given."""
    parser.add_argument("--limit", metavar="N", type=count, help="show at most N entries")


def count(text: str) -> int:
    """An argparse type: a whole number that is not negative."""
    number = int(text, 0)
    if number < 0:
        raise ValueError(text)
    return number


def address(text: str) -> int:
    """An argparse type: an address, in hex or decimal, that fits 64 bits."""
    number = int(text, 0)
    if not 0 <= number < 1 << 64:
        raise ValueError(text)
    return number


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


def duration(text: str) -> int:
    """An argparse type: nanoseconds, written as Go does: "5m", "1h30m", "2.5s"; a bare number counts seconds."""
    if text.isascii() and text.isdigit():
        return int(text) * 1_000_000_000
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts) * 1e9)


duration.__name__ = "duration"
count.__name__ = "number"  # argparse names the type in its message: "invalid number value: 'x'"
