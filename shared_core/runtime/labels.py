"""Profiler labels of a goroutine (runtime/pprof.SetGoroutineLabels).

Sources: Go 1.27 internal/runtime/pprof/label (Set), Go 1.24 runtime/pprof/label.go (labelMap is a LabelSet), Go 1.23
runtime/pprof/label.go and runtime/map.go (labelMap is a map[string]string, hmap and its buckets).
"""

from __future__ import annotations

import struct
from typing import Any, Dict, Iterator, Tuple

from ..errors import UNREADABLE, Absent, Maybe, ReadError
from ..layouts.model import Layout
from ..memory import Memory

MAX_LABELS = 1 << 12
_MAX_KEPT = 1 << 17  # label sets: most goroutines share one, a few hundred bytes each where they do not
_MAX_TEXT = 1 << 12
_PAIR = 32  # a key and a value string
_CELLS = 8  # abi.OldMapBucketCount
_FIRST_FULL = 5  # runtime.minTopHash: smaller values mark free and evacuated cells
_MAX_OVERFLOW = 64
_SAME_SIZE_GROW = 8
_strings = struct.Struct("<QQQQ").unpack_from
_pair, _word = struct.Struct("<QQ").unpack_from, struct.Struct("<Q").unpack_from


class Labels:
    """The labels of one stopped program's goroutines, each set of them read once."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self._memory, self._layout = memory, layout
        # Bytes that are not UTF-8 are told apart.
        self._texts = _Texts(memory, "surrogateescape")
        self._known: Dict[int, Maybe[Dict[str, str]]] = {0: {}}

    def of(self, raw: Any) -> Maybe[Dict[str, str]]:
        """Those of the goroutine with these words of its g. Bytes that are not UTF-8 come as surrogates."""
        address = getattr(raw, "labels", 0)
        found = self._known.get(address)
        if found is None:
            found = _read(self._memory, self._layout, address, self._texts)
            if len(self._known) < _MAX_KEPT:
                self._known[address] = found
        return found


def as_text(labels: Maybe[Dict[str, str]]) -> Maybe[Dict[str, str]]:
    """The same with U+FFFD for what is not UTF-8."""
    if isinstance(labels, Absent) or "".join([*labels, *labels.values()]).isascii():
        return labels
    return {_mended(key): _mended(value) for key, value in labels.items()}


def _mended(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_labels(memory: Memory, layout: Layout, address: int, errors: str = "replace") -> Maybe[Dict[str, str]]:
    """The labels at g.labels, {} when it is nil; Absent when they cannot be read. errors: as in bytes.decode."""
    return _read(memory, layout, address, _Texts(memory, errors))


def _read(memory: Memory, layout: Layout, address: int, text: _Texts) -> Maybe[Dict[str, str]]:
    if not address:
        return {}
    try:
        if "runtime.hmap" in layout.structs and "runtime/pprof.labelMap" not in layout.structs:
            return dict(_map_pairs(memory, layout, memory.u64(address), text))
        return dict(_list_pairs(memory, address, text))
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


class _Texts:
    """Strings by their header's words: keys, and many values, are the same constants in every set."""

    def __init__(self, memory: Memory, errors: str) -> None:
        self._locate, self._errors = memory.locate, errors
        self._known: Dict[Tuple[int, int], str] = {}

    def __call__(self, data: int, length: int) -> str:
        if not length:
            return ""
        key = (data, length)
        found = self._known.get(key)
        if found is None:
            size = length if length < _MAX_TEXT else _MAX_TEXT
            buffer, at = self._locate(data, size)
            found = bytes(buffer[at : at + size]).decode("utf-8", self._errors)
            if len(self._known) < _MAX_KEPT:
                self._known[key] = found
        return found


def _list_pairs(memory: Memory, header: int, text: _Texts) -> Iterator[Tuple[str, str]]:
    data, length = _pair(*memory.locate(header, 16))
    length = min(length, MAX_LABELS)
    if length:
        buffer, at = memory.locate(data, _PAIR * length)
        for place in range(at, at + _PAIR * length, _PAIR):
            key, key_length, value, value_length = _strings(buffer, place)
            yield text(key, key_length), text(value, value_length)


def _map_pairs(memory: Memory, layout: Layout, hmap: int, text: _Texts) -> Iterator[Tuple[str, str]]:
    kind = layout.struct("runtime.hmap")
    if not hmap or not memory.u64(hmap + kind.offset("count")):
        return
    count = 1 << min(memory.u8(hmap + kind.offset("B")), 12)
    size = _CELLS + 2 * 16 * _CELLS + 8
    # While a map grows, an entry is either in its old bucket or, marked as evacuated there, in a new one.
    for field, buckets in (("buckets", count), ("oldbuckets", count)):
        base = memory.u64(hmap + kind.offset(field))
        if base and field == "oldbuckets" and not memory.u8(hmap + kind.offset("flags")) & _SAME_SIZE_GROW:
            buckets //= 2
        for index in range(buckets if base else 0):
            yield from _bucket_pairs(memory, base + size * index, size, text)


def _bucket_pairs(memory: Memory, bucket: int, size: int, text: _Texts) -> Iterator[Tuple[str, str]]:
    """A bucket is 8 top hashes, 8 keys, 8 values, and the overflow bucket's address."""
    for _ in range(_MAX_OVERFLOW):
        if not bucket:
            return
        data = memory.read(bucket, size)
        for cell in range(_CELLS):
            if data[cell] >= _FIRST_FULL:
                key = _CELLS + 16 * cell
                yield text(*_pair(data, key)), text(*_pair(data, key + 16 * _CELLS))
        bucket = _word(data, size - 8)[0]
