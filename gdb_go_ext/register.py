"""Makes gdb commands of the registry's entries, with help, completion and the worst status in $_go_status."""

from __future__ import annotations

from typing import List, Optional, Sequence

import gdb

from shared_core.commands import REGISTRY, Entry, help_texts, runner, selecting
from shared_core.errors import GoxrayError

from . import native, parameters, select, values
from .sessions import SESSIONS

STATUS = "_go_status"


class GoCommand(gdb.Command):  # type: ignore[misc]
    """A command of goxray's; gdb shows the docstring of the class made for each as its help."""

    goxray_name = ""

    def __init__(self) -> None:
        super().__init__(self.goxray_name, gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Run with the rest of the line, print in one go, and note the status."""
        if self.goxray_name == selecting.COMMAND and self._selects(argument):
            return
        outcome = runner.run(SESSIONS.current, self.goxray_name, argument, parameters.debugging())
        note_status(outcome.status)
        try:
            if outcome.trace:
                gdb.write(outcome.trace, gdb.STDERR)
            if outcome.text:
                gdb.write(outcome.text)
        except KeyboardInterrupt:
            raise gdb.GdbError("Quit") from None  # q at the pager's prompt
        if outcome.error:
            raise gdb.GdbError(outcome.error)

    def _selects(self, argument: str) -> bool:
        """Whether a goroutine was to be selected, or a command run on it, which is done then."""
        try:
            asked = selecting.asked(argument)
            if asked is not None:
                select.run(asked)
        except GoxrayError as error:
            note_status(2)
            raise gdb.GdbError(str(error)) from None
        return asked is not None

    def complete(self, text: str, word: Optional[str]) -> Sequence[str]:
        """Candidates for the last word, without the part of it that gdb holds to be other words ("--")."""
        words = text.split(" ")
        found = runner.complete(SESSIONS.current, self.goxray_name, words[:-1], words[-1])
        kept = len(words[-1]) - len(word) if word is not None else 0
        return [candidate[kept:] for candidate in found]


def note_status(status: int) -> None:
    """Keep the worst status so far in $_go_status, whatever the user may have put there."""
    try:
        before = int(gdb.convenience_variable(STATUS))
    except (TypeError, ValueError, gdb.error):
        before = 0
    gdb.set_convenience_variable(STATUS, max(before, status))


def _command_class(entry: Entry) -> type:
    text = help_texts.TEXTS.get(entry.name, f"{entry.help}\nOptions and examples: {entry.name} --help\n")
    return type(entry.name, (GoCommand,), {"__doc__": text.rstrip("\n"), "goxray_name": entry.name})


_registered: List[GoCommand] = []


def register_all() -> None:
    """Register every command and parameter; a second time does nothing."""
    if _registered:
        return
    parameters.register()
    native.register()
    values.GoValue()
    note_status(0)
    _registered.extend(_command_class(entry)() for entry in REGISTRY)
