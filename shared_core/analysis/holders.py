"""Who seems to hold a lock: sync.Mutex and sync.RWMutex do not record it, but stacks and code may show it.

A goroutine seems to hold a lock when the frame of a function on its stack has the lock's address (or, for a variable of
a package, its code has), and by its lines that function called Lock before the place where it stands, and no Unlock in
between. That is inference: which of two locks a call was for is not proved.

Sources: Go 1.27 internal/sync/mutex.go, sync/rwmutex.go (the slow paths are calls even where the rest is inlined).
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, FrozenSet, Iterator, List, NamedTuple, Set, Tuple

from ..arch.refs import data_refs, disassemble, distinct_targets
from ..errors import GoxrayError
from ..runtime.goroutine import Goroutine
from ..runtime.locks import MUTEX, ONCE, RWMUTEX, Lock
from ..runtime.unwind import Frame
from .things import LockWait
from .waits import Waits, waits_of

if TYPE_CHECKING:
    from ..session import Session

_MAX_STACK = 1 << 14  # bytes of each stack that are looked through
_MAX_BYTES = 1 << 28
_MAX_FRAMES = 50
_MAX_FUNCTIONS = 2000
_SPILL = 0x80  # above a frame: its arguments, and where those that came in registers are kept
_PACKAGES = ("sync", "internal/sync")
_LOCKS = frozenset(f"{package}.(*Mutex).{name}" for package in _PACKAGES for name in ("Lock", "lockSlow"))
_UNLOCKS = frozenset(f"{package}.(*Mutex).{name}" for package in _PACKAGES for name in ("Unlock", "unlockSlow"))
_RW_LOCKS = frozenset(("sync.(*RWMutex).Lock", "sync.(*RWMutex).RLock"))
_RW_UNLOCKS = frozenset(("sync.(*RWMutex).Unlock", "sync.(*RWMutex).RUnlock", "sync.(*RWMutex).rUnlockSlow"))
_CALLS = ("call", "bl")


class Holder(NamedTuple):
    """ids: of the goroutines that seem to hold a lock, [] where nothing shows any; why: what it is inferred from."""

    ids: List[int]
    why: str


class Cycle(NamedTuple):
    """(goroutine, the lock it waits for) in turn: each lock seems to be held by the next, the last by the first."""

    steps: List[Tuple[int, Lock]]


@dataclass
class _Code:
    """What a function's code calls, as (line, function): and the data addresses that it names."""

    locks: List[Tuple[int, int, FrozenSet[str]]] = field(default_factory=list)
    targets: FrozenSet[int] = frozenset()


class Holders:
    """Infers holders in one stopped program; the stacks are gone through once."""

    def __init__(self, session: Session, waits: Waits) -> None:
        self._session = session
        self._waits = waits
        self.problems: List[str] = []
        self._known: Dict[int, Holder] = {}
        self._codes: Dict[int, _Code] = {}
        self._looked = False

    def of(self, wait: LockWait) -> Holder:
        """Who seems to hold what `wait` is for."""
        if not self._looked:
            self._looked = True
            self._look()
        return self._known.get(wait.lock.semaphore, Holder([], ""))

    def _look(self) -> None:
        locks: Dict[int, List[LockWait]] = {}
        for each in self._waits.all():
            thing = each.thing
            if isinstance(thing, LockWait) and thing.lock.kind in (MUTEX, RWMUTEX, ONCE):
                known = locks.setdefault(thing.lock.address, [])
                if all(other.lock.semaphore != thing.lock.semaphore for other in known):
                    known.append(thing)
        if not locks:
            return
        budget = _MAX_BYTES
        in_data = {address for address in locks if self._is_data(address)}
        for goroutine in self._session.world.goroutines:
            places, size = self._places(goroutine, locks)
            budget -= size
            if budget < 0:
                self.problems.append("who holds locks was looked for in a part of the stacks only: they are too many")
                return
            if places or in_data:
                self._frames(goroutine, places, locks, in_data)

    def _is_data(self, address: int) -> bool:
        return any(
            module.fields.get("noptrdata", 0) <= address < module.fields.get("enoptrbss", 0)
            or module.fields.get("data", 0) <= address < module.fields.get("ebss", 0)
            for module in self._session.modules.all
        )

    def _places(self, goroutine: Goroutine, locks: Dict[int, List[LockWait]]) -> Tuple[List[Tuple[int, int]], int]:
        """((where its stack has the address of a lock, the address), how many bytes were read)."""
        low, high = goroutine.raw.sched_sp, goroutine.raw.high
        size = min(high - low, _MAX_STACK) // 8
        if size <= 0:
            return [], 0
        try:
            words = struct.unpack(f"<{size}Q", self._session.memory.read(low, 8 * size))
        except (GoxrayError, struct.error):
            return [], 0
        if locks.keys().isdisjoint(words):
            return [], 8 * size
        return [(low + 8 * at, word) for at, word in enumerate(words) if word in locks], 8 * size

    def _frames(
        self, goroutine: Goroutine, places: List[Tuple[int, int]], locks: Dict[int, List[LockWait]], in_data: Set[int]
    ) -> None:
        for frame in self._session.world.stacks.walk(goroutine, _MAX_FRAMES):
            if not isinstance(frame, Frame) or frame.func.name.startswith(("runtime.", "sync.", "internal/")):
                continue
            near = {word for place, word in places if frame.sp <= place < frame.argp + _SPILL}
            if not near and not in_data:
                continue
            code = self._code(frame)
            for address in near | (code.targets & in_data):
                for wait in locks[address]:
                    self._judge(goroutine, frame, code, wait)

    def _judge(self, goroutine: Goroutine, frame: Frame, code: _Code, wait: LockWait) -> None:
        lock = wait.lock
        if lock.locked is False or (lock.kind == RWMUTEX and not lock.writer and not lock.readers):
            return
        taking, giving = (_RW_LOCKS, _RW_UNLOCKS) if lock.kind == RWMUTEX else (_LOCKS, _UNLOCKS)
        here = self._line(frame, frame.symbol_pc)
        calling = any(pc < frame.pc <= pc + 8 and names & taking for _, pc, names in code.locks)
        if calling and goroutine.address in wait.queue:
            return  # the call of Lock that it stands in is not done
        taken = [line for line, _, names in code.locks if names & taking and line < here]
        if not taken or any(max(taken) < line < here for line, _, names in code.locks if names & giving):
            return
        name, line = frame.func.name, max(taken)
        why = f"goroutine {goroutine.id} has its address in {name}, which called Lock at line {line} and is at {here}"
        found = self._known.setdefault(lock.semaphore, Holder([], why))
        if goroutine.id not in found.ids:
            found.ids.append(goroutine.id)

    def _line(self, frame: Frame, pc: int) -> int:
        return self._session.source_frames.facts(frame.module, frame.func, pc)[-1][2]

    def _code(self, frame: Frame) -> _Code:
        entry = frame.func.entry
        found = self._codes.get(entry)
        if found is None:
            found = _Code()
            if len(self._codes) < _MAX_FUNCTIONS:
                with contextlib.suppress(GoxrayError):
                    found = self._read(frame)
            self._codes[entry] = found
        return found

    def _read(self, frame: Frame) -> _Code:
        """Its calls that lock or unlock; none where its code does not (most functions)."""
        arch, code = self._session.arch, bytes(frame.module.code(frame.func))
        locks = []
        for pc, target in self._called(code, frame.func.entry):
            logical = self._session.source_frames.facts(frame.module, frame.func, pc)
            names = frozenset([target, *(facts[0] for facts in logical[:-1])])
            wrapped = any("deferwrap" in name or ".func" in name for name in names)
            if names & (_LOCKS | _RW_LOCKS) or (names & (_UNLOCKS | _RW_UNLOCKS) and not wrapped):
                locks.append((logical[-1][2], pc, names))
        targets = frozenset(distinct_targets(data_refs(arch, code, frame.func.entry))) if locks else frozenset()
        return _Code(locks, targets)

    def _called(self, code: bytes, entry: int) -> Iterator[Tuple[int, str]]:
        """(pc, the function called) for each direct call."""
        for pc, _, mnemonic, operands in disassemble(self._session.arch, code, entry):
            if mnemonic not in _CALLS:
                continue
            try:
                target = int(operands.lstrip("#"), 0)
            except ValueError:
                continue
            found = self._session.modules.find(target)
            if found is not None and found[1].entry == target:
                yield pc, found[1].name


def holders_of(session: Session) -> Holders:
    """The one that everything about this stop shares."""
    found = session.world.kept.get("holders")
    if not isinstance(found, Holders):
        found = session.world.kept["holders"] = Holders(session, waits_of(session))
    return found


def cycles(waits: Waits, holders: Holders) -> List[Cycle]:
    """Goroutines that wait for each other's locks, each cycle once."""
    edges: Dict[int, List[Tuple[int, Lock]]] = {}
    for each in waits.all():
        if isinstance(each.thing, LockWait):
            edges[each.goroutine.id] = [(goid, each.thing.lock) for goid in holders.of(each.thing).ids]
    found: List[Cycle] = []
    done: Set[int] = set()
    for start in edges:
        path: Dict[int, Lock] = {}
        at = start
        # A lock has one holder but for readers: following the first is enough for a cycle to show.
        while at in edges and at not in path and at not in done and edges[at]:
            after, lock = edges[at][0]
            path[at] = lock
            at = after
        if at in path and at not in done:
            goids = list(path)
            found.append(Cycle([(goid, path[goid]) for goid in goids[goids.index(at) :]]))
        done.update(path)
        done.add(start)
    return found
