"""A profile that `go tool pprof` opens: profile.proto, gzipped.

Sources: github.com/google/pprof proto/profile.proto, Go 1.27 runtime/pprof/pprof.go (printCountProfile), proto.go.
"""

from __future__ import annotations

import gzip
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from .samples import Line, Sample, Samples, Spot

# Field numbers of profile.proto.
_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRINGS = 1, 2, 3, 4, 5, 6
_PERIOD_TYPE, _PERIOD, _COMMENT = 11, 12, 13


class Executable(NamedTuple):
    """The mapping that the code is in: addresses [start, limit) from `offset` of the file on."""

    start: int
    limit: int
    offset: int
    path: str
    build_id: str


def profile(samples: Samples, executable: Optional[Executable], comments: List[str]) -> bytes:
    """The file's bytes: counts of goroutines, as in the program's own pprof.Lookup("goroutine")."""
    return gzip.compress(_Writer(executable).write(samples, comments), 6, mtime=0)


class _Writer:
    """Strings, functions and locations get a number when they first occur; locations and functions are messages kept
    in that order."""

    def __init__(self, executable: Optional[Executable]) -> None:
        self._executable = executable
        self._strings: Dict[str, int] = {"": 0}
        self._functions: Dict[Tuple[str, str, int], int] = {}
        self._locations: Dict[Spot, int] = {}
        self._stacks: Dict[int, bytes] = {}
        self._messages: List[bytes] = []

    def write(self, samples: Samples, comments: List[str]) -> bytes:
        kind = _number(1, self._string("goroutine")) + _number(2, self._string("count"))
        pieces = [_bytes(_SAMPLE_TYPE, kind), _bytes(_PERIOD_TYPE, kind), _number(_PERIOD, 1)]
        pieces += [_bytes(_SAMPLE, self._sample(sample)) for sample in samples.samples]
        pieces += [_number(_COMMENT, self._string(comment)) for comment in comments]
        if self._executable is not None:
            pieces.append(_bytes(_MAPPING, self._mapping(self._executable)))
        pieces += self._messages
        pieces += [_bytes(_STRINGS, text.encode("utf-8", "surrogateescape")) for text in self._strings]
        return b"".join(pieces)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _sample(self, sample: Sample) -> bytes:
        places = self._stacks.get(id(sample.stack))
        if places is None:
            places = b"".join([_varint(self._location(spot)) for spot in sample.stack])
            places = self._stacks[id(sample.stack)] = _bytes(1, places)
        labels = [
            _bytes(3, _number(1, self._string(key)) + _number(2, self._string(value))) for key, value in sample.labels
        ]
        return b"".join([places, _bytes(2, _varint(sample.goroutines)), *labels])

    def _location(self, spot: Spot) -> int:
        found = self._locations.get(spot)
        if found is None:
            found = self._locations[spot] = len(self._locations) + 1
            lines = [_bytes(4, _number(1, self._function(line)) + _number(2, line.line)) for line in spot.lines]
            inside = self._executable is not None and self._executable.start <= spot.address < self._executable.limit
            head = _number(1, found) + (_number(2, 1) if inside else b"") + _number(3, spot.address)
            self._messages.append(_bytes(_LOCATION, head + b"".join(lines)))
        return found

    def _function(self, line: Line) -> int:
        key = (line.function, line.file, line.start_line)
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = len(self._functions) + 1
            name = self._string(line.function)
            message = _number(1, found) + _number(2, name) + _number(3, name)
            message += _number(4, self._string(line.file)) + _number(5, line.start_line)
            self._messages.append(_bytes(_FUNCTION, message))
        return found

    def _mapping(self, executable: Executable) -> bytes:
        """has_functions and its like: there is nothing left to look up."""
        message = _number(1, 1) + _number(2, executable.start) + _number(3, executable.limit)
        message += _number(4, executable.offset) + _number(5, self._string(executable.path))
        message += _number(6, self._string(executable.build_id))
        return message + b"".join(_number(field, 1) for field in (7, 8, 9, 10))


def _varint(value: int) -> bytes:
    found = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    """A varint field; nothing for 0, as proto3 has it."""
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field: int, value: Union[bytes, bytearray]) -> bytes:
    """A length-delimited field: a message, a string, packed numbers."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value
