"""Which lock, wait group or other thing of package sync a semaphore belongs to, and what that says of itself.

Sources: Go 1.27 internal/sync/mutex.go, sync/rwmutex.go, sync/waitgroup.go, sync/once.go, internal/poll/fd_mutex.go,
internal/poll/fd_unix.go (FD.csema).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import NOT_RECORDED, Absent, Maybe, ReadError
from .frames import SourceFrame
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

MUTEX, RWMUTEX, WAIT_GROUP, ONCE = "sync.Mutex", "sync.RWMutex", "sync.WaitGroup", "sync.Once"
FD, RUNTIME, SEMAPHORE = "internal/poll.FD", "runtime", "semaphore"
LOCK, READ, WRITE, WAIT, CLOSE = "lock", "read", "write", "wait", "close"
_DEPTH = 16

# Function -> (what it waits for, how). The innermost on the stack tells; names with and without the inner package.
_FUNCTIONS: Dict[str, Tuple[str, str]] = {
    **{f"{package}.(*Mutex).Lock": (MUTEX, LOCK) for package in ("sync", "internal/sync")},
    **{f"{package}.(*Mutex).lockSlow": (MUTEX, LOCK) for package in ("sync", "internal/sync")},
    "sync.(*RWMutex).RLock": (RWMUTEX, READ),
    "sync.(*RWMutex).Lock": (RWMUTEX, WRITE),
    "sync.(*WaitGroup).Wait": (WAIT_GROUP, WAIT),
    "internal/poll.(*fdMutex).rwlock": (FD, LOCK),
    "internal/poll.(*FD).Close": (FD, CLOSE),
}  # fmt: skip
# By the wait reason's constant, where an obfuscator took the names: since Go 1.21, wait groups since 1.24.
_REASONS: Dict[str, Tuple[str, str]] = {
    "sync_mutex_lock": (MUTEX, LOCK),
    "sync_rw_mutex_r_lock": (RWMUTEX, READ),
    "sync_rw_mutex_lock": (RWMUTEX, WRITE),
    "sync_wait_group_wait": (WAIT_GROUP, WAIT),
    "synctest_wait_group_wait": (WAIT_GROUP, WAIT),
}
_SEMAPHORE_FIELDS = {
    (MUTEX, LOCK): ("mu.sema", "sema"),
    (RWMUTEX, READ): ("readerSem",),
    (RWMUTEX, WRITE): ("writerSem",),
    (WAIT_GROUP, WAIT): ("sema", "state2"),
    (FD, CLOSE): ("csema",),
}


@dataclass(frozen=True)
class Lock:
    """kind: one of the above; address: of the whole, that of the semaphore where its kind is not known. wants: how.

    locked, counter (of a wait group), readers (how many hold it), writer (one holds it), writer_next (one waits for the
    readers to leave): what its own words say, None where that does not apply.
    """

    kind: str
    address: int
    semaphore: int
    wants: str
    locked: Optional[bool] = None
    counter: Optional[int] = None
    readers: Optional[int] = None
    writer: Optional[bool] = None
    writer_next: Optional[bool] = None
    problem: str = ""


class Locks:
    """Tells locks apart, by what is on the stack of those that wait."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._names: Dict[Tuple[int, ...], List[str]] = {}
        self._known: Dict[Tuple[int, str, str], Lock] = {}

    def of(self, goroutine: Goroutine, semaphore: int) -> Lock:
        """What the goroutine waits for, by the semaphore that it is in the queue of."""
        kind, wants = self._kind(goroutine)
        key = (semaphore, kind, wants)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def kind(self, goroutine: Goroutine) -> str:
        """Which of the kinds above a goroutine waits for that is in a semaphore's queue, by its stack alone."""
        return self._kind(goroutine)[0]

    def _kind(self, goroutine: Goroutine) -> Tuple[str, str]:
        names = self._functions(goroutine)
        for at, name in enumerate(names):
            found = _FUNCTIONS.get(name)
            if found is not None:
                return _outer(found, names[at + 1 :])
        reasons = self._session.layout.enums.get("wait_reason_names", {})
        found = _REASONS.get(reasons.get(goroutine.raw.wait_reason, ""))
        if found is not None:
            return found
        own = any(name.startswith("runtime.") and not name.startswith("runtime.sem") for name in names[:4])
        users = any(name.startswith(("sync.", "internal/")) for name in names)
        return (RUNTIME if own and not users else SEMAPHORE, WAIT)

    def _functions(self, goroutine: Goroutine) -> List[str]:
        """The innermost functions of its stack."""
        stacks = self._session.world.stacks
        pcs = stacks.steps.pcs(goroutine)
        if pcs is not None and pcs in self._names:
            return self._names[pcs]
        found: List[str] = []
        for frame in stacks.frames(goroutine):
            if not isinstance(frame, SourceFrame) or len(found) >= _DEPTH:
                break
            found.append(frame.function)
        if pcs is not None:
            self._names[pcs] = found
        return found

    def _read(self, semaphore: int, kind: str, wants: str) -> Lock:
        offset = self._offset(semaphore, kind, wants)
        if isinstance(offset, Absent):
            return Lock(kind if kind == RUNTIME else SEMAPHORE, semaphore, semaphore, wants)
        address = semaphore - offset
        try:
            return self._with_words(Lock(kind, address, semaphore, wants))
        except ReadError as error:
            return Lock(kind, address, semaphore, wants, problem=str(error))

    def _offset(self, semaphore: int, kind: str, wants: str) -> Maybe[int]:
        """Where in the whole its semaphore is."""
        if kind == FD and wants == LOCK:
            # fdMutex: a state of 8 bytes, then rsema and wsema.
            return 8 if semaphore % 8 == 0 else 12
        outer, inner = 0, kind
        if kind == ONCE or (kind == RWMUTEX and wants == LOCK):
            struct = self._session.layout.struct(kind)
            outer, inner, wants = struct.offset("m" if kind == ONCE else "w"), MUTEX, LOCK
        struct_names = _SEMAPHORE_FIELDS.get((inner, wants), ())
        known = self._session.layout.structs.get(inner)
        found = next((known.offset(name) for name in struct_names if known is not None and name in known), None)
        return Absent(NOT_RECORDED, f"no semaphore of a {kind} is known") if found is None else outer + found

    def _with_words(self, lock: Lock) -> Lock:
        """With what its own words say; ReadError where they are not there."""
        struct, memory, address = self._session.layout.structs.get(lock.kind), self._memory, lock.address
        if struct is None:
            return lock
        if lock.kind in (MUTEX, ONCE):
            name = next(n for n in ("m.mu.state", "m.state", "mu.state", "state") if n in struct)
            state, bit = memory.u32(address + struct.offset(name)), self._session.layout.constants["mutex_locked"]
            return replace(lock, locked=bool(state & bit))
        if lock.kind == RWMUTEX:
            count, leaving = (memory.i32(address + struct.offset(name)) for name in ("readerCount", "readerWait"))
            # A writer makes the count negative, and waits for the readers that were there.
            announced = count < 0
            readers = max(leaving, 0) if announced else count
            return replace(
                lock, writer=announced and not readers, readers=readers, writer_next=announced and readers > 0
            )
        if lock.kind == WAIT_GROUP:
            state = struct.offset("state" if "state" in struct else "state1")
            return replace(lock, counter=memory.i32(address + state + 4))
        return lock


def _outer(found: Tuple[str, str], callers: List[str]) -> Tuple[str, str]:
    """A mutex may be the first part of an RWMutex, or what a Once is locked by."""
    if found == (MUTEX, LOCK):
        for name in callers[:4]:
            if name == "sync.(*RWMutex).Lock":
                return RWMUTEX, LOCK
            if name in ("sync.(*Once).doSlow", "sync.(*Once).Do"):
                return ONCE, LOCK
            if name not in _FUNCTIONS:
                break
    return found
