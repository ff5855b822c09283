"""Runs a command for an adapter: words in, text and status out; no exception and no traceback gets past it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, List, NamedTuple, Sequence, Tuple, Union

from ..errors import GoxrayError
from . import find
from .base import FINE, UNANSWERED, Result

if TYPE_CHECKING:
    import argparse

    from ..session import Session
    from .base import Command

Words = Union[str, Sequence[str]]
INTERRUPTED = "interrupted"


class Outcome(NamedTuple):
    """text: for standard output, in one go. error: one line, "" if none. trace: Python's, in debug mode only."""

    text: str
    status: int
    error: str = ""
    trace: str = ""


def execute(session_factory: Callable[[], Session], name: str, words: Words, debug: bool = False) -> Tuple[str, int]:
    """(text, status) of the command `name`; an error is one line "error: ..." or, with --json, a document."""
    outcome = run(session_factory, name, words, debug)
    text = outcome.text or (f"error: {outcome.error}\n" if outcome.error else "")
    return outcome.trace + text, outcome.status


def run(
    session_factory: Callable[[], Session],
    name: str,
    words: Words,
    debug: bool = False,
    switch: str = "set go-debug on",
) -> Outcome:
    """Run the command `name` with `words`, a line still to be split or a list.

    switch: by which the user turns `debug` on.
    """
    try:
        return _run(session_factory, name, words)
    except KeyboardInterrupt:
        return _failed(name, words, INTERRUPTED, "")
    except Exception as error:
        return _failed(name, words, _one_line(error, switch), _traceback() if debug else "")


def _run(session_factory: Callable[[], Session], name: str, words: Words) -> Outcome:
    from . import arguments

    split = arguments.split(words) if isinstance(words, str) else list(words)
    command = find(name)
    try:
        options = arguments.parse(command, split)
    except arguments.HelpAsked as asked:
        return Outcome(str(asked), FINE)
    with _without_collector():
        # In a function of its own: what the answer is made of is gone before there is a collector to look at it.
        text, status, written = _answer(session_factory, command, options)
    if options.output is None or written:
        return Outcome(text, status)
    from .output import write_atomically

    write_atomically(options.output, text)
    return Outcome("", status)


def _answer(
    session_factory: Callable[[], Session], command: Command, options: argparse.Namespace
) -> Tuple[str, int, bool]:
    """(text, status, whether the command has written its file itself)."""
    session = session_factory()
    result = command.run(session, options)
    return _render(session, result, options.json), result.status, result.written


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's cycle collector off: a listing makes a million objects and no cycles, and a quarter of its time goes
    into looking for some."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _render(session: Session, result: Result, as_json: bool) -> str:
    from ..render import render
    from ..render.facts import target_facts

    if not as_json:
        return render(result, "text", {})
    facts, reasons = target_facts(session)
    result.warnings += [reason for reason in reasons if reason not in result.warnings]
    return render(result, "json", facts)


def _traceback() -> str:
    import traceback

    return traceback.format_exc()


def _one_line(error: BaseException, switch: str) -> str:
    """What the user is told: a goxray error speaks for itself, anything else is a fault of ours."""
    if isinstance(error, GoxrayError):
        return " ".join(str(error).split())
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error: {what}; `{switch}` shows the traceback"


def _failed(name: str, words: Words, error: str, trace: str) -> Outcome:
    text = ""
    if _wants_json(words):
        from ..render.jsonout import error_document

        text = error_document(name, error)
    return Outcome(text, UNANSWERED, error, trace)


def _wants_json(words: Words) -> bool:
    """Whether --json was asked for, as far as that can be told of words that may not even parse."""
    return "--json" in (words.split() if isinstance(words, str) else words)


def complete(session_factory: Callable[[], Session], name: str, words: Sequence[str], word: str) -> List[str]:
    """Candidates for `word`, the last one typed, after `words`; never an error."""
    from . import arguments

    try:
        command = find(name)
        if word.startswith("-"):
            found: Sequence[str] = arguments.option_strings(command)
        else:
            found = command.complete(session_factory(), words, word) if command.complete else []
        return [candidate for candidate in found if candidate.startswith(word)]
    except Exception:
        return []
