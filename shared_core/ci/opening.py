"""A core opened with the program that left it, of those that were named, or the one that it names itself."""

from __future__ import annotations

import os
from typing import List, Optional

from ..errors import FormatError, GoxrayError
from ..session import Session
from ..targets.core import CoreTarget
from .model import Wanted
from .places import why_no_core


def opened(core: str, wanted: Wanted) -> Session:
    """The core with the first program that is proved to be its own, else the first that nothing speaks against.

    With --force, the first that is named is taken for it. Raises FormatError or NotGoError where there is none.
    """
    reason = why_no_core(core)
    if reason:
        raise FormatError(f"{core}: {reason}")
    likely: Optional[Session] = None
    first: Optional[GoxrayError] = None
    for exe in _candidates(core, wanted):
        try:
            session = _session(exe, core, wanted.force)
        except GoxrayError as error:
            first = first or error
            continue
        if not session.program.warnings:
            return session
        likely = likely or session
    if likely is not None:
        return likely
    assert first is not None
    raise first


def _candidates(core: str, wanted: Wanted) -> List[Optional[str]]:
    """Those with the name of the recorded program first; the recorded one itself last; None stands for it."""
    if not wanted.exes:
        return [None]
    if wanted.force:
        return [wanted.exes[0]]
    try:
        recorded = os.path.basename(CoreTarget(None, core).recorded or "")
    except GoxrayError:
        recorded = ""
    return [*sorted(wanted.exes, key=lambda exe: os.path.basename(exe) != recorded), None]


def _session(exe: Optional[str], core: str, force: bool) -> Session:
    target = CoreTarget(exe, core)
    session = Session(target, target.remarks, force)
    if session.program.foreign:
        raise FormatError(session.program.foreign)
    return session
