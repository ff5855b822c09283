"""JSON documents: one per answer, addresses in hex, absent values null with the reason among the warnings."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, is_dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union
from typing import Counter as CounterType

from ..errors import Absent

_T = TypeVar("_T")
_MAX_REASONS = 100


def address(value: Union[int, Absent, None]) -> Union[str, Absent, None]:
    """An address as documents show it: "0x47fe80"; an absent one stays absent."""
    return hex(value) if isinstance(value, int) else value


def schema(name: str) -> str:
    """The schema of the command `name`: "goxray.go-goroutines/1"."""
    return f"goxray.{name}/1"


class Rows:
    """A list of a document whose elements are made as they are written, and anew for each who iterates."""

    def __init__(self, make: Callable[[Any], object], items: Sequence[object]) -> None:
        self._make = make
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[object]:
        return map(self._make, self._items)


def dumps(name: str, target: Mapping[str, object], warnings: List[str], body: Mapping[str, object]) -> str:
    """The whole document: a key per line, and an element per line where a key of the top level holds a list."""
    reasons = _Reasons()
    # One join of all pieces: a document may have 80 MB, and each copy of it on the way would have as many again.
    pieces: List[str] = []
    for key, value in body.items():
        pieces += [",\n ", _encode(key), ": "]
        pieces.extend(_value(key, value, reasons))
    head = {"schema": schema(name), "target": target}
    start: List[str] = []
    for key, value in {**head, "warnings": [*warnings, *reasons.lines()]}.items():
        start += [",\n " if start else "{", _encode(key), ": ", *_value(key, value, reasons)]
    return "".join([*start, *pieces, "}\n"])


def error_document(name: str, error: str) -> str:
    """The document of a command that failed."""
    return dumps(name, {}, [], {"error": error})


def _value(key: str, value: object, reasons: _Reasons) -> Iterator[str]:
    if not isinstance(value, (list, tuple, Rows)) or len(value) < 2:
        reasons.note(value, key)
        yield _encode(value)
        return
    separator = "[\n  "
    for element in value:
        reasons.note(element, f"{key}[]")
        yield separator
        yield _encode(element)
        separator = ",\n  "
    yield "\n ]"


def _plain(value: object) -> Any:
    """What the encoder does not know: absent values, bytes, sets, dataclasses."""
    if isinstance(value, Absent):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Rows):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} in a document")


_encode = json.JSONEncoder(default=_plain, allow_nan=False).encode


class _Reasons:
    """Why values are absent, a line for each place and reason however often it occurs.

    "goroutines[].wait_seconds: not recorded (57 times)"
    """

    def __init__(self) -> None:
        self._counts: CounterType[Tuple[str, str]] = Counter()
        self._first: Dict[Tuple[str, str], Absent] = {}

    def note(self, value: object, path: str) -> None:
        """Those in `value`, which `path` leads to."""
        for place, absent in _walk(value, path):
            self._counts[place, absent.kind] += 1
            self._first.setdefault((place, absent.kind), absent)

    def lines(self) -> List[str]:
        """A hundred at most."""
        lines = [_reason(path, self._first[path, kind], number) for (path, kind), number in self._counts.items()]
        left = len(lines) - _MAX_REASONS
        return [*lines[:_MAX_REASONS], f"{left} more reasons for absent values"] if left > 0 else lines


def _reason(path: str, absent: Absent, number: int) -> str:
    if number == 1:
        return f"{path}: {absent}"
    first = f", first: {absent.detail}" if absent.detail else ""
    return f"{path}: {absent.kind} ({number} times{first})"


def _walk(value: object, path: str) -> Iterator[Tuple[str, Absent]]:
    """Every Absent in `value` with the keys that lead to it, list indexes left out."""
    if isinstance(value, Absent):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if type(inner) not in _LEAVES:
                yield from _walk(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple, Rows)):
        path += "[]"
        for inner in value:
            if type(inner) not in _LEAVES:
                yield from _walk(inner, path)


_LEAVES = frozenset([str, int, bool, float, type(None), bytes])


def or_none(value: Union[_T, Absent]) -> Optional[_T]:
    """`value`, or None where it is absent and the reason does not matter."""
    return None if isinstance(value, Absent) else value
