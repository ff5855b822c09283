"""What commands that go over the whole heap share: the survey, with a line that tells how far it has come."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator

from ..errors import GoxrayError, UserError
from ..runtime.heap.survey import Survey, survey_of
from ..symfile.progress import ProgressLine, no_progress

if TYPE_CHECKING:
    from ..session import Session


@contextmanager
def surveyed(session: Session) -> Iterator[Survey]:
    """The survey of the heap; UserError where there is no heap to be found."""
    try:
        survey = survey_of(session)
    except GoxrayError as error:
        raise UserError(f"the heap cannot be looked at: {error}") from None
    line = ProgressLine("looking through the heap", _teller(session))
    survey.progress = line
    try:
        yield survey
    finally:
        survey.progress = no_progress
        line.end()


def _teller(session: Session) -> Callable[[str], None]:
    """Where a progress line goes: to the debugger, or to a terminal."""
    say = getattr(session.target, "say", None)
    if say is not None:
        found: Callable[[str], None] = say
        return found
    return _to_terminal if sys.stderr.isatty() else lambda text: None


def _to_terminal(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()
