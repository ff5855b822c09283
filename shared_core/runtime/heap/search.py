"""Looks for words, texts and pointers in everything a Go program keeps: heap, stacks, variables and constants."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Callable, Iterator, List, NamedTuple, Tuple

from ...errors import ReadError
from .table import SpanTable

if TYPE_CHECKING:
    from ...session import Session

HEAP, STACKS, GLOBALS = "heap", "stacks", "globals"
_PIECE = 1 << 22
_PAGE = 1 << 12
_WORD = struct.Struct("<Q")

Progress = Callable[[int, int], None]


class Match(NamedTuple):
    """What was found at `address`; where: HEAP, STACKS or GLOBALS. value: the word, 0 for a text."""

    address: int
    where: str
    value: int


class Search:
    """Goes through ranges of memory. missing: bytes that could not be read."""

    def __init__(self, session: Session, progress: Progress) -> None:
        self._session = session
        self._progress = progress
        self.missing = 0

    def ranges(self, table: SpanTable, wanted: Tuple[str, ...]) -> List[Tuple[int, int, str]]:
        """[start, end) of what to look through, by where it is."""
        found: List[Tuple[int, int, str]] = []
        if GLOBALS in wanted:
            for module in self._session.modules.all:
                fields = module.fields
                for low, high in _DATA:
                    start, end = fields.get(low, 0), fields.get(high, 0)
                    if 0 < start < end:
                        found.append((start, end, GLOBALS))
        if STACKS in wanted:
            for goroutine in self._session.world.goroutines:
                raw = goroutine.raw
                if raw.low < raw.high:
                    low = raw.sched_sp if goroutine.condition.parked and raw.low < raw.sched_sp < raw.high else raw.low
                    found.append((low & -8, raw.high, STACKS))
        if HEAP in wanted:
            for span in table.spans:
                if found and found[-1][1] == span.start and found[-1][2] == HEAP:
                    found[-1] = (found[-1][0], span.end, HEAP)
                else:
                    found.append((span.start, span.end, HEAP))
        return found

    def words(self, ranges: List[Tuple[int, int, str]], low: int, high: int) -> Iterator[Match]:
        """Aligned words in [low, high)."""
        if high == low + 1:
            yield from self._exact(ranges, low)
            return
        for at, data, where in self._pieces(ranges):
            view = memoryview(data)[: len(data) & -8].cast("Q")
            for i, word in enumerate(view):
                if low <= word < high:
                    yield Match(at + 8 * i, where, word)

    def _exact(self, ranges: List[Tuple[int, int, str]], value: int) -> Iterator[Match]:
        wanted = _WORD.pack(value)
        for at, data, where in self._pieces(ranges):
            place = data.find(wanted)
            while place >= 0:
                if not (at + place) % 8:
                    yield Match(at + place, where, value)
                    place += 7
                place = data.find(wanted, place + 1)

    def texts(self, ranges: List[Tuple[int, int, str]], text: bytes) -> Iterator[Match]:
        """Where these bytes are."""
        before, end = b"", -1
        for at, data, where in self._pieces(ranges):
            # A text may lie across two pieces.
            joined = before + data if at == end else data
            start = at - (len(joined) - len(data))
            place = joined.find(text)
            while place >= 0:
                yield Match(start + place, where, 0)
                place = joined.find(text, place + 1)
            before, end = joined[-(len(text) - 1) :] if len(text) > 1 else b"", at + len(data)

    def _pieces(self, ranges: List[Tuple[int, int, str]]) -> Iterator[Tuple[int, bytes, str]]:
        for done, (start, end, where) in enumerate(ranges):
            for at in range(start, end, _PIECE):
                self._progress(done, len(ranges))
                yield from ((place, data, where) for place, data in self._read(at, min(end, at + _PIECE), _PIECE))

    def _read(self, start: int, end: int, step: int) -> Iterator[Tuple[int, bytes]]:
        """What there is of [start, end): whole, else page by page."""
        try:
            yield start, self._session.memory.read(start, end - start)
            return
        except ReadError:
            if step <= _PAGE:
                self.missing += end - start
                return
        smaller = step >> 5 if step > 1 << 17 else _PAGE
        for at in range(start, end, smaller):
            yield from self._read(at, min(end, at + smaller), smaller)


_DATA = (
    ("noptrdata", "enoptrdata"),
    ("data", "edata"),
    ("bss", "ebss"),
    ("noptrbss", "enoptrbss"),
    ("rodata", "etypes"),
)
