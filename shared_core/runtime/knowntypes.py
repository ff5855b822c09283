"""What values of types of the standard library mean: times, durations, locks, counters, numbers of any size.

Sources: Go 1.27 time/time.go (Time, Duration.String), sync/{mutex,rwmutex,waitgroup,once,cond}.go, sync/atomic/type.go,
internal/sync/mutex.go, math/big/int.go.
"""

from __future__ import annotations

import struct
from typing import Callable, Dict, Optional

from ..binary.types import Type
from ..errors import Absent
from .gotime import duration_text, time_text
from .values import Value, Values

_ATOMIC = "sync/atomic."
_READERS = 1 << 30  # sync.rwmutexMaxReaders
_BUBBLE = 1 << 31  # in the waiters of a sync.WaitGroup, since Go 1.25
_MAX_DIGITS = 64  # words of a big number that are shown


class KnownTypes:
    """Says what values of some types mean. Types are known by their whole import path, fields by name."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._names: Dict[int, str] = {}
        self._known: Dict[str, Callable[[Value], str]] = {
            "time.Time": self._time,
            "time.Duration": lambda value: duration_text(value.number() or 0),
            "sync.Mutex": self._mutex,
            "internal/sync.Mutex": self._mutex,
            "sync.RWMutex": self._rwmutex,
            "sync.WaitGroup": self._wait_group,
            "sync.Once": lambda value: "done" if self._number(value, "done") else "not done",
            "sync.Cond": self._cond,
            "math/big.Int": self._big,
        }

    def knows(self, kind: Type) -> bool:
        name = self._name(kind)
        return name in self._known or name.startswith(_ATOMIC)

    def note(self, value: Value) -> str:
        """What it means, "" for what is of no known type or not as it should be."""
        kind = value.type
        if not kind.named:
            return ""
        decode = self._known.get(self._name(kind))
        try:
            return decode(value) if decode is not None else ""
        except (KeyError, struct.error):
            return ""

    def inner(self, value: Value) -> Optional[Value]:
        """The value that one of sync/atomic's wraps, of the type that it is used as; None of others."""
        name = self._name(value.type)
        if not name.startswith(_ATOMIC):
            return None
        fields = self._values.field_map(value)
        found = fields.get("v")
        if found is None:
            return None
        if name.startswith("sync/atomic.Pointer["):
            # Its field _ is a [0]*T.
            listed = value.type.fields
            kinds = (field.type for field in (() if isinstance(listed, Absent) else listed))
            pointer = next((kind.elem for kind in kinds if isinstance(kind, Type) and kind.kind == "Array"), None)
            return found._replace(type=pointer) if isinstance(pointer, Type) else found
        if name == "sync/atomic.Bool":
            known = self._values.types.find("bool")
            return Value(known[0], found.data[:1], address=found.address) if known else found
        return found

    def _name(self, kind: Type) -> str:
        name = self._names.get(kind.address)
        if name is None:
            full = kind.full_name if kind.named else ""
            name = self._names[kind.address] = "" if isinstance(full, Absent) else full
        return name

    def _number(self, value: Value, *names: str) -> int:
        """An integer field, or that inside of a field which is a structure itself. KeyError where there is none."""
        fields = self._values.field_map(value)
        found = next(fields[name] for name in (*names, "") if name in fields or not name)
        number = found.number()
        if number is None:
            return self._number(found, "v", "state", "mu", "value")
        return number

    def _time(self, value: Value) -> str:
        fields = self._values.field_map(value)
        wall, ext = fields["wall"].number(), fields["ext"].number()
        return time_text(wall or 0, ext or 0)

    def _mutex(self, value: Value) -> str:
        state = self._number(value, "state", "mu") & 0xFFFFFFFF
        parts = ["locked" if state & 1 else "unlocked"]
        parts += [f"{state >> 3} waiting"] if state >> 3 else []
        parts += ["starving"] if state & 4 else []
        return ", ".join(parts)

    def _rwmutex(self, value: Value) -> str:
        fields = self._values.field_map(value)
        readers, leaving = self._number(value, "readerCount"), self._number(value, "readerWait")
        waiting = self._number(fields["w"], "state", "mu") >> 3
        writers = [f"{waiting} to write"] if waiting else []
        if readers >= 0:
            held = f"read-locked by {readers}" if readers else "unlocked"
            return ", ".join([held, *(f"waiting: {each}" for each in writers)])
        readers += _READERS
        if leaving > 0:
            # The writer waits for those that were there before it, the others for the writer.
            late = [f"{readers - leaving} to read"] if readers > leaving else []
            held, waits = f"read-locked by {leaving}", ["1 to write next", *writers, *late]
        else:
            held, waits = "locked", [*writers, *([f"{readers} to read"] if readers else [])]
        return held + (f", waiting: {', '.join(waits)}" if waits else "")

    def _wait_group(self, value: Value) -> str:
        state = self._number(value, "state", "state1") & (1 << 64) - 1
        counter, waiters = state >> 32, state & (_BUBBLE - 1)
        counter -= (counter & _BUBBLE) << 1
        return f"counter {counter}" + (f", {waiters} waiting" if waiters else "")

    def _cond(self, value: Value) -> str:
        notify = self._values.field_map(value)["notify"]
        waiting = (self._number(notify, "wait") - self._number(notify, "notify")) & 0xFFFFFFFF
        return f"{waiting} waiting"

    def _big(self, value: Value) -> str:
        fields = self._values.field_map(value)
        start, length, _ = struct.unpack_from("<QQQ", fields["abs"].data)
        if length > _MAX_DIGITS:
            return ""
        words = self._values.memory.read(start, 8 * length) if length else b""
        number = int.from_bytes(words, "little")
        return str(-number if fields["neg"].data[0] else number)
