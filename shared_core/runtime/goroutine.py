"""Goroutines: runtime.g read from memory, through allgs.

Sources: Go 1.27 runtime/runtime2.go (g, waitReason), runtime/proc.go (allgs), runtime/traceback.go (goroutineheader,
isSystemGoroutine).
"""

from __future__ import annotations

import collections
from operator import itemgetter
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import NOT_APPLICABLE, NOT_IN_VERSION, NOT_RECORDED, UNPARSABLE, Absent, Maybe, ReadError
from ..layouts.model import Layout
from ..memory import Buffer, Memory

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
    "tracking_stamp": "trackingStamp", "waiting": "waiting",
}  # fmt: skip
_namedtuple: Any = collections.namedtuple  # noqa: PYI024
_tuple = tuple.__new__  # what _make of a named tuple comes down to, at a third of its time
_REQUIRED = (
    *("low", "high", "m", "sched_sp", "sched_pc", "status", "goid", "wait_since", "wait_reason", "locked_m", "gopc"),
    "startpc",
)
_SAMENESS = ("status", "wait_reason", "wait_since", "gopc", "startpc", "m", "locked_m")

_NOT_WAITING = Absent(NOT_APPLICABLE, "it is not waiting")
_NO_REASON = Absent(NOT_RECORDED, "no wait reason is set")
_NOT_BLOCKED = Absent(NOT_APPLICABLE, "it is not blocked")
_SINCE_GC = Absent(NOT_RECORDED, "no garbage collection has noted it yet")


class Condition:
    """What a goroutine's status and wait reason mean; one for all goroutines that have the same.

    status: in the runtime's words, without the scan bit; wait_reason: what a waiting goroutine waits for.
    state: what a traceback's header shows, the wait reason if there is one, else the status.
    scanning: the collector holds the goroutine for scanning its stack. dead: free for reuse, or never used: not a
    goroutine at all. blocked: g.waitsince counts. parked: its stack is as g.sched has it.
    """

    __slots__ = ("blocked", "dead", "parked", "scanning", "state", "status", "wait_reason")

    def __init__(self, status: Maybe[str], scanning: bool, wait_reason: Maybe[str]) -> None:
        self.status = status
        self.scanning = scanning
        self.wait_reason = wait_reason if status in ("waiting", "leaked") else _NOT_WAITING
        self.state = str(self.wait_reason or status or "???")
        self.dead = status in _NOT_STARTED
        self.blocked = status in ("waiting", "syscall", "leaked")
        self.parked = status in ("waiting", "runnable")


class GoroutineReader:
    """Turns the bytes of a g into a Goroutine; one unpack each."""

    def __init__(self, layout: Layout) -> None:
        kind = layout.struct("runtime.g")
        present = {ours: kind.field(go) for ours, go in _FIELDS.items() if go in kind or ours in _REQUIRED}
        names = sorted(present, key=lambda name: present[name].offset)
        self.size = kind.size
        # All that a list shows of one, but its number and its stack.
        self.sameness = itemgetter(*map(names.index, _SAMENESS))
        self._unpack = kind.unpacker([_FIELDS[name] for name in names]).unpack_from
        # Its fields depend on the layout, so it is made at run time.
        self._record: Any = _namedtuple("GRecord", names)
        self.statuses: Dict[int, str] = dict(layout.enums["statuses"])
        self.wait_reasons: Dict[int, str] = dict(layout.enums["wait_reasons"])
        self._conditions: Dict[Tuple[int, int], Condition] = {}

    def parse(self, address: int, data: Buffer, offset: int = 0) -> Goroutine:
        """The g whose `size` bytes are in `data` from `offset` on."""
        raw = _tuple(self._record, self._unpack(data, offset))
        key = (raw.status, raw.wait_reason)
        return _tuple(Goroutine, (address, raw, self._conditions.get(key) or self._condition(key)))

    def _condition(self, key: Tuple[int, int]) -> Condition:
        number, reason = key
        unknown = Absent(UNPARSABLE, f"status {number} is in no Go version known")
        status = self.statuses.get(number & ~_SCAN) or unknown
        why = self.wait_reasons.get(reason) or Absent(UNPARSABLE, f"wait reason {reason}")
        found = self._conditions[key] = Condition(status, bool(number & _SCAN), why if reason else _NO_REASON)
        return found


class Goroutine(NamedTuple):
    """One goroutine; `raw` holds the words of its runtime.g, `address` is its gp."""

    address: int
    raw: Any
    condition: Condition

    @property
    def id(self) -> int:
        """goid, a positive number (uint64; int64 up to Go 1.19)."""
        goid: int = self.raw.goid
        return goid

    @property
    def status(self) -> Maybe[str]:
        """As in Condition, like the next two."""
        return self.condition.status

    @property
    def wait_reason(self) -> Maybe[str]:
        return self.condition.wait_reason

    @property
    def state(self) -> str:
        return self.condition.state

    @property
    def wait_since(self) -> Maybe[int]:
        """When it blocked, in ns of the program's monotonic clock; the runtime fills it in at a collection only."""
        if not self.condition.blocked:
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

    def __repr__(self) -> str:
        return f"<Goroutine {self.id} {self.state} at {self.address:#x}>"


def read_goroutines(
    memory: Memory, reader: GoroutineReader, allgs: Tuple[int, int], addresses: Optional[List[int]] = None
) -> Iterator[Tuple[int, Maybe[Goroutine]]]:
    """(address, goroutine) for each entry of allgs, (array address, length); Absent for a g that cannot be read.

    addresses: its entries, where they have been read already.
    """
    parse, locate, size = reader.parse, memory.locate, reader.size
    for address in goroutine_addresses(memory, allgs) if addresses is None else addresses:
        if not address:
            continue
        try:
            yield address, parse(address, *locate(address, size))
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
    raw, condition = goroutine.raw, goroutine.condition
    if not condition.status:
        return str(condition.status)
    if condition.dead:
        return ""
    low, high, sp = raw.low, raw.high, raw.sched_sp
    if not 0 < raw.goid < 1 << 56:
        return f"goid {raw.goid}"
    if not 0 < high - low <= 1 << 30 or low % 8:
        return f"stack bounds {low:#x} to {high:#x}"
    if sp and not low <= sp <= high:
        return f"saved sp {sp:#x} outside its stack"
    return ""
