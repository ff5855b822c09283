"""The text of a traceback cut into goroutines, line for line as printed."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Tuple

_HEADER = re.compile(r"goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\]]*)\].*:$")
# sysmon wakes the scavenger whenever it likes: between the moment it is printed and that of the core too.
_SCAVENGER = ("runtime.bgscavenge(", re.compile(r"\[(GC scavenge wait|runnable)"), "[scavenging")
# A thread's registers follow its goroutine without an empty line, and so does what our own text ends with.
_REGISTER = re.compile(r"\w+ +0x[0-9a-f]+$|warning: ")


def blocks(text: str) -> Iterator[Tuple[int, str, List[str]]]:
    """(goroutine id, state, lines under the header and the header itself) in the order of `text`; 0 is a g0's id.

    The state is what stands in the brackets up to the first comma.
    """
    header, lines = None, []
    for line in [*text.splitlines(), ""]:
        match = _HEADER.match(line)
        if header is not None and (match or not line or _REGISTER.match(line)):
            yield int(header[1]), header[2].split(",")[0], _steady(lines)
            header = None
        if match:
            header, lines = match, [line]
        elif header is not None:
            lines.append(line)


def _steady(lines: List[str]) -> List[str]:
    """The lines, with one word for what the scavenger is doing."""
    call, state, word = _SCAVENGER
    if not any(line.startswith(call) for line in lines):
        return lines
    return [state.sub(word, lines[0]), *lines[1:]]


def at_rest(text: str) -> Dict[int, List[str]]:
    """Goroutine id -> its lines, of all that did not run when `text` was printed."""
    return {goid: lines for goid, state, lines in blocks(text) if goid and state != "running"}


def running(text: str) -> Dict[int, List[str]]:
    """Goroutine id -> its lines, of those that ran; the copy with frames where one is printed twice."""
    found: Dict[int, List[str]] = {}
    for goid, state, lines in blocks(text):
        if goid and state == "running" and len(lines) > len(found.get(goid, ())):
            found[goid] = lines
    return found


def frames(lines: List[str]) -> List[Tuple[str, str]]:
    """(call, place) of each frame in a goroutine's lines, without "created by" and what stands between frames."""
    pairs = zip(lines[1:], lines[2:])
    return [
        (call, place) for call, place in pairs if place.startswith("\t/") and not call.startswith(("\t", "created "))
    ]
