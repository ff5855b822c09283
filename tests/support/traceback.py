"""Reads the tracebacks that the Go runtime prints (runtime/traceback.go: goroutineheader, traceback2, traceback1)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

_HEADER = re.compile(
    r"goroutine (?P<id>\d+)(?: gp=(?P<gp>\S+) m=(?P<m>\S+)(?: mp=(?P<mp>\S+))?)?"
    r" \[(?P<state>.*?)\](?: \{(?P<labels>.*)\})?:$"
)
_CREATED = re.compile(r"created by (?P<function>.+?)(?: in goroutine (?P<parent>\d+))?$")
_PLACE = re.compile(
    r"\t(?P<file>.+):(?P<line>\d+)(?: \+(?P<entry>0x[0-9a-f]+))?"
    r"(?: fp=(?P<fp>0x[0-9a-f]+) sp=(?P<sp>0x[0-9a-f]+) pc=(?P<pc>0x[0-9a-f]+))?$"
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|.)")
_LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[^:,]+): ("(?:[^"\\]|\\.)*"|[^,]+)(?:, |$)')
# "additional" before Go 1.21, their number since then.
_ELIDED = re.compile(r"\.\.\.(?:additional|(\d+)) frames elided\.\.\.$")
UNAVAILABLE = "\tgoroutine running on other thread; stack unavailable"


@dataclass(frozen=True)
class Frame:
    """One logical frame. `args` is the text between the parentheses: "..." where it is inlined; None for created-by.

    `offset` is the pc's distance from the function's entry, absent (None) for inlined frames; fp, sp and pc are
    there at GOTRACEBACK=system and crash.
    """

    function: str
    args: Optional[str]
    file: str
    line: int
    offset: Optional[int] = None
    fp: Optional[int] = None
    sp: Optional[int] = None
    pc: Optional[int] = None

    @property
    def inlined(self) -> bool:
        return self.args == "..." and self.pc is None and self.offset is None


@dataclass(frozen=True)
class Goroutine:
    """One goroutine as printed. `status` is the runtime's status or wait reason.

    `gp`, `m`, `mp`: None when the text has nil or nothing.
    `elided`: frames were left out. `unavailable`: it was running on another thread, so no frames are printed.
    """

    id: int
    status: str
    minutes: Optional[int] = None
    locked: bool = False
    gp: Optional[int] = None
    m: Optional[int] = None
    mp: Optional[int] = None
    scan: bool = False
    leaked: bool = False
    labels: Dict[str, str] = field(default_factory=dict)
    frames: Tuple[Frame, ...] = ()
    created_by: Optional[Frame] = None
    parent: Optional[int] = None
    elided: bool = False
    unavailable: bool = False


def parse_traceback(text: str) -> List[Goroutine]:
    """Every goroutine block in `text`, in its order; what is around them (panic text, registers) is passed over.

    At GOTRACEBACK=crash a goroutine that was running on another thread appears twice: first as `unavailable`, later
    with the stack that its own thread printed. See `by_id`.
    """
    return [_goroutine(header, lines) for header, lines in _blocks(text)]


def by_id(goroutines: List[Goroutine]) -> Dict[int, Goroutine]:
    """id -> goroutine, the copy with frames where one was printed more than once; id 0 (the g0 of threads) left out."""
    found: Dict[int, Goroutine] = {}
    for each in goroutines:
        if each.id and (each.id not in found or found[each.id].unavailable):
            found[each.id] = each
    return found


def _blocks(text: str) -> Iterator[Tuple[re.Match[str], List[str]]]:
    """(header, lines up to the empty line that ends the block)."""
    header: Optional[re.Match[str]] = None
    lines: List[str] = []
    for line in [*text.splitlines(), ""]:
        match = _HEADER.match(line)
        if header is not None and (match or not line):
            yield header, lines
            header = None
        if match:
            header, lines = match, []
        elif header is not None:
            lines.append(line)


def _goroutine(header: re.Match[str], lines: List[str]) -> Goroutine:
    status, *more = header["state"].split(", ")
    minutes = next((int(word.split()[0]) for word in more if word.endswith(" minutes")), None)
    frames, created, parent = _frames(lines)
    return Goroutine(
        id=int(header["id"]),
        status=status.replace(" (leaked)", "").replace(" (scan)", ""),
        minutes=minutes,
        locked="locked to thread" in more,
        gp=_number(header["gp"]),
        m=_number(header["m"]),
        mp=_number(header["mp"]),
        scan=status.endswith(" (scan)"),
        leaked=" (leaked)" in status,
        labels=_labels(header["labels"] or ""),
        frames=tuple(frames),
        created_by=created,
        parent=parent,
        elided=any(_ELIDED.match(line) for line in lines),
        unavailable=any(line.startswith(UNAVAILABLE) for line in lines),
    )


def _frames(lines: List[str]) -> Tuple[List[Frame], Optional[Frame], Optional[int]]:
    """(frames, the created-by frame, the parent's id)."""
    frames: List[Frame] = []
    for call, position in zip(lines, lines[1:]):
        place = _PLACE.match(position)
        if place is None or call.startswith("\t"):
            continue
        created = _CREATED.match(call)
        if created:
            return frames, _frame(created["function"], None, place), _number(created["parent"])
        function, args = _call(call)
        frames.append(_frame(function, args, place))
    return frames, None, None


def _call(line: str) -> Tuple[str, str]:
    """("main.(*T).m", "0x1, {0x2, 0x3}") of "main.(*T).m(0x1, {0x2, 0x3})": the last parenthesis that balances."""
    depth = 0
    for at in range(len(line) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(line[at], 0)
        if not depth:
            return line[:at], line[at + 1 : -1]
    return line, ""


def _frame(function: str, args: Optional[str], place: re.Match[str]) -> Frame:
    numbers = [_number(place[name]) for name in ("entry", "fp", "sp", "pc")]
    return Frame(function, args, place["file"], int(place["line"]), *numbers)


def _labels(text: str) -> Dict[str, str]:
    return {_unquoted(key): _unquoted(value) for key, value in _LABEL.findall(text)}


def _unquoted(text: str) -> str:
    return str(json.loads(_ESCAPE.sub(_for_json, text))) if text.startswith('"') else text


def _for_json(escape: re.Match[str]) -> str:
    """Go's \\xNN is a control character, or a byte that is not UTF-8."""
    code = int(escape[1], 16) if escape[1] else -1
    return escape[0] if code < 0 else f"\\u{code if code < 0x80 else 0xFFFD:04x}"


def _number(text: Optional[str]) -> Optional[int]:
    return int(text, 0) if text and text != "nil" else None
