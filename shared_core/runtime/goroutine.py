"""Goroutines: runtime.g read from memory, through allgs.

Sources: Go 1.27 runtime/runtime2.go (g, waitReason), runtime/proc.go (allgs), runtime/traceback.go (goroutineheader,
isSystemGoroutine).
"""

from __future__ import annotations

import collections
from typing import Any, Dict, Iterator, List, Tuple

from ..errors import NOT_APPLICABLE, NOT_IN_VERSION, NOT_RECORDED, UNPARSABLE, Absent, Maybe, ReadError
from ..layouts.model import Layout
from ..memory import Memory

MAX_GOROUTINES = 1 << 25
_SCAN = 0x1000  # runtime._Gscan, the same in every version
_PIECE = 1 << 13
# What tracebackothers passes over; "waiting for cgo callback" is _Gdeadextra, an M kept for C threads.
_NOT_STARTED = frozenset(["dead", "idle", "deadextra", "waiting for cgo callback", "moribund_unused"])

# Fields of runtime.g by the name the rest of the package uses; those a version has not read as Absent.
_FIELDS = {
    "low": "stack.lo", "high": "stack.hi", "m": "m", "sched_sp": "sched.sp", "sched_pc": "sched.pc",
    "sched_lr": "sched.lr", "syscall_sp": "syscallsp", "syscall_pc": "syscallpc", "status": "atomicstatus",
    "goid": "goid", "wait_since": "waitsince", "wait_reason": "waitreason", "locked_m": "lockedm",
    "gopc": "gopc", "startpc": "startpc", "parent": "parentGoid", "labels": "labels", "bubble": "bubble",
    "tracking_stamp": "trackingStamp",
}  # fmt: skip
_namedtuple: Any = collections.namedtuple  # noqa: PYI024
_REQUIRED = (
    *("low", "high", "m", "sched_sp", "sched_pc", "status", "goid", "wait_since", "wait_reason", "locked_m", "gopc"),
    "startpc",
)


_NOT_WAITING = Absent(NOT_APPLICABLE, "it is not waiting")
_NOT_BLOCKED = Absent(NOT_APPLICABLE, "it is not blocked")
_SINCE_GC = Absent(NOT_RECORDED, "no garbage collection has noted it yet")


class GoroutineReader:
    """Turns the bytes of a g into a Goroutine; one unpack each."""

    def __init__(self, layout: Layout) -> None:
        kind = layout.struct("runtime.g")
        present = {ours: kind.field(go) for ours, go in _FIELDS.items() if go in kind or ours in _REQUIRED}
        names = sorted(present, key=lambda name: present[name].offset)
        self.size = kind.size
        self._unpack = kind.unpacker([_FIELDS[name] for name in names]).unpack_from
        # Its fields depend on the layout, so it is made at run time.
        self._record: Any = _namedtuple("GRecord", names)
        self.statuses: Dict[int, str] = dict(layout.enums["statuses"])
        self.wait_reasons: Dict[int, str] = dict(layout.enums["wait_reasons"])

    def parse(self, address: int, data: bytes) -> Goroutine:
        """The g whose bytes (at least `size`) are `data`."""
        return Goroutine(address, self._record._make(self._unpack(data)), self)

    def other_status(self, number: int) -> Maybe[str]:
        """The status under the scan bit."""
        unknown = Absent(UNPARSABLE, f"status {number} is in no Go version known")
        return self.statuses.get(number & ~_SCAN) or unknown


class Goroutine:
    """One goroutine; `raw` holds the words of its runtime.g, `address` is its gp."""

    __slots__ = ("_reader", "address", "raw", "status")

    def __init__(self, address: int, raw: Any, reader: GoroutineReader) -> None:
        self.address = address
        self.raw = raw
        self._reader = reader
        # The status in the runtime's words, without the scan bit.
        self.status: Maybe[str] = reader.statuses.get(raw.status) or reader.other_status(raw.status)

    @property
    def id(self) -> int:
        """goid, a positive number (uint64; int64 up to Go 1.19)."""
        goid: int = self.raw.goid
        return goid

    @property
    def scanning(self) -> bool:
        """Whether the collector holds this goroutine for scanning its stack."""
        return bool(self.raw.status & _SCAN)

    @property
    def wait_reason(self) -> Maybe[str]:
        """What a waiting goroutine waits for, in the runtime's words."""
        number = self.raw.wait_reason
        if self.status not in ("waiting", "leaked"):
            return _NOT_WAITING
        if not number:
            return Absent(NOT_RECORDED, "no wait reason is set")
        return self._reader.wait_reasons.get(number) or Absent(UNPARSABLE, f"wait reason {number}")

    @property
    def state(self) -> str:
        """What a traceback's header shows: the wait reason if there is one, else the status."""
        reason = self.wait_reason
        return reason if isinstance(reason, str) else str(self.status or "???")

    @property
    def wait_since(self) -> Maybe[int]:
        """When it blocked, in ns of the program's monotonic clock; the runtime fills it in at a collection only."""
        if self.status not in ("waiting", "syscall", "leaked"):
            return _NOT_BLOCKED
        return self.raw.wait_since or _SINCE_GC

    @property
    def parent_id(self) -> Maybe[int]:
        """The goroutine that started it; Go 1.21 and later."""
        parent = getattr(self.raw, "parent", None)
        if parent is None:
            return Absent(NOT_IN_VERSION, "recorded since Go 1.21")
        return parent or Absent(NOT_APPLICABLE, "the runtime started it")

    @property
    def locked(self) -> bool:
        """Whether it is locked to a thread (runtime.LockOSThread)."""
        return bool(self.raw.locked_m)

    @property
    def dead(self) -> bool:
        """Whether this g is free for reuse, or was never used: not a goroutine at all."""
        return self.status in _NOT_STARTED

    def __repr__(self) -> str:
        return f"<Goroutine {self.id} {self.state} at {self.address:#x}>"


def read_goroutines(
    memory: Memory, reader: GoroutineReader, allgs: Tuple[int, int]
) -> Iterator[Tuple[int, Maybe[Goroutine]]]:
    """(address, goroutine) for each entry of allgs, (array address, length); Absent for a g that cannot be read."""
    for address in goroutine_addresses(memory, allgs):
        if not address:
            continue
        try:
            yield address, reader.parse(address, memory.read(address, reader.size))
        except ReadError as error:
            yield address, Absent("unreadable", str(error))


def goroutine_addresses(memory: Memory, allgs: Tuple[int, int]) -> List[int]:
    """The g pointers of allgs; what can be read of the array when it is cut."""
    array, length = allgs
    found: List[int] = []
    for start in range(0, min(length, MAX_GOROUTINES), _PIECE):
        try:
            found += memory.pointers(array + 8 * start, min(_PIECE, length - start))
        except ReadError:
            break
    return found


def plausible(goroutine: Goroutine) -> str:
    """Why this cannot be a g read with the right layout; "" when it can."""
    raw = goroutine.raw
    if not isinstance(goroutine.status, str):
        return str(goroutine.status)
    if goroutine.dead:
        return ""
    if not 0 < raw.goid < 1 << 56:
        return f"goid {raw.goid}"
    if not (raw.low < raw.high and raw.high - raw.low <= 1 << 30 and raw.low % 8 == 0):
        return f"stack bounds {raw.low:#x} to {raw.high:#x}"
    if raw.sched_sp and not raw.low <= raw.sched_sp <= raw.high:
        return f"saved sp {raw.sched_sp:#x} outside its stack"
    return ""
