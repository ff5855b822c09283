"""Channels: what is in them, and who waits on both sides.

Sources: Go 1.27 runtime/chan.go (hchan, waitq, chansend, chanrecv), runtime/select.go (selectgo: g.waiting is the list
of its cases).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..binary.types import Types
from ..errors import NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe, ReadError
from .goroutine import Goroutine
from .sudogs import SudogReader, queue_of

if TYPE_CHECKING:
    from ..session import Session

RECEIVE, SEND = "receive", "send"
_MAX_CASES = 1 << 16  # selectgo's own limit
_FIELDS = ("qcount", "dataqsiz", "elemsize", "closed", "elemtype", "sendx", "recvx", "recvq.first", "sendq.first")


@dataclass(eq=False)
class Channel:
    """One runtime.hchan. length of capacity elements are in its buffer; timer: the runtime.timer that sends to it.

    elem: the element's type by its full name; they have `size` bytes, and lie around `buffer` from number `first` on.
    elemtype: the address of the type's descriptor. receivers, senders: g addresses, in the order of the queue;
    problems: why a queue ended early. sides: sudog -> RECEIVE or SEND.
    """

    address: int
    elem: Maybe[str]
    length: int
    capacity: int
    closed: bool
    timer: int
    size: int = 0
    buffer: int = 0
    first: int = 0
    elemtype: int = 0
    receivers: List[int] = field(default_factory=list)
    senders: List[int] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)
    sides: Dict[int, str] = field(default_factory=dict)


class Case(NamedTuple):
    """A channel operation that a goroutine waits for; problem: why it is not in the channel's queue, if it is not."""

    direction: Maybe[str]
    channel: Maybe[Channel]
    problem: str = ""


class Channels:
    """Reads the channels of one stopped program; each once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._kind = session.layout.struct("runtime.hchan")
        self._unpack = self._kind.unpacker(_FIELDS).unpack_from
        self.sudogs = SudogReader(session.memory, session.layout)
        self._known: Dict[int, Maybe[Channel]] = {}
        self._types: Optional[Types] = None
        self._names: Dict[int, Maybe[Tuple[str, int]]] = {}
        self._cases: Dict[Tuple[Tuple[int, Optional[str]], ...], Tuple[Case, ...]] = {}

    @property
    def known(self) -> List[Channel]:
        """Those that have been asked for so far."""
        return [each for each in self._known.values() if isinstance(each, Channel)]

    def at(self, address: int) -> Maybe[Channel]:
        """The channel at `address`, with its queues; Absent when it cannot be one."""
        found = self._known.get(address)
        if found is None:
            try:
                found = self._read(address)
            except ReadError as error:
                found = Absent(UNREADABLE, str(error))
            self._known[address] = found
        return found

    def _read(self, address: int) -> Maybe[Channel]:
        words = self._unpack(*self._memory.locate(address, self._kind.size))
        length, capacity, size, closed, elemtype, sendx, recvx, receivers, senders = words
        ends = max(capacity, 1)
        if length > capacity or closed > 1 or sendx >= ends or recvx >= ends or capacity >= 1 << 48:
            return Absent(UNPARSABLE, f"what {address:#x} holds is no channel")
        elem = self._elem(elemtype)
        if not isinstance(elem, Absent) and elem[1] != size:
            return Absent(UNPARSABLE, f"the channel at {address:#x} and the type of its elements do not agree")
        timer = self._memory.u64(address + self._kind.offset("timer")) if "timer" in self._kind else 0
        name = elem if isinstance(elem, Absent) else elem[0]
        buffer = self._memory.u64(address + self._kind.offset("buf"))
        channel = Channel(
            address, name, length, capacity, bool(closed), timer, size, buffer, recvx, elemtype
        )  # fmt: skip
        for first, direction, waiting in (
            (receivers, RECEIVE, channel.receivers),
            (senders, SEND, channel.senders),
        ):
            queue, problem = queue_of(self.sudogs, first, lambda sudog: sudog.channel == address)
            waiting += [sudog.g for sudog in queue]
            channel.sides.update((sudog.address, direction) for sudog in queue)
            if problem:
                channel.problems.append(f"to {direction}: {problem}")
        return channel

    def _elem(self, descriptor: int) -> Maybe[Tuple[str, int]]:
        """(name, size) of an element's type."""
        if descriptor not in self._names:
            self._names[descriptor] = self._read_elem(descriptor)
        return self._names[descriptor]

    def _read_elem(self, descriptor: int) -> Maybe[Tuple[str, int]]:
        try:
            if self._types is None:
                self._types = Types(self._session.modules.all, self._memory, self._session.layout)
            found = self._types.at(descriptor)
        except GoxrayError as error:
            return Absent(UNREADABLE, str(error))
        if isinstance(found, Absent):
            return found
        name = found.full_name
        return found.name if isinstance(name, Absent) else name, found.size

    def cases(self, goroutine: Goroutine) -> Tuple[Tuple[Case, ...], str]:
        """(the operations that a goroutine waits for by g.waiting, why there are no more of them or "").

        Goroutines that wait for the same operations share one tuple.
        """
        places: List[Tuple[int, Optional[str]]] = []
        address, g, problem = goroutine.raw.waiting, goroutine.address, ""
        while address:
            try:
                sudog = self.sudogs.at(address)
            except ReadError as error:
                problem = f"its cases are cut: {error}"
                break
            if sudog.g != g or len(places) >= _MAX_CASES:
                problem = "its cases have no end" if sudog.g == g else f"{address:#x} is not this goroutine's"
                break
            channel = self.at(sudog.channel)
            places.append((sudog.channel, None if isinstance(channel, Absent) else channel.sides.get(address)))
            address = sudog.waitlink
        key = tuple(places)
        found = self._cases.get(key)
        if found is None:
            found = self._cases[key] = tuple([self._case(*place) for place in places])
        return found, problem or ("" if found else "g.waiting is empty: it is about to go on")

    def _case(self, address: int, side: Optional[str]) -> Case:
        channel = self.at(address)
        if isinstance(channel, Absent):
            return Case(Absent(NOT_RECORDED), channel)
        if side is None:
            return Case(Absent(NOT_RECORDED, "it is in neither queue"), channel, "it is in no queue of the channel")
        return Case(side, channel)
