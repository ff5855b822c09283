"""The runtime's state at one stop: all goroutines, the Ms, and which goroutines are the runtime's own.

Source: Go 1.27 runtime/proc.go (allgs, allm), runtime/traceback.go (isSystemGoroutine).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, FrozenSet, List, Optional, Tuple

from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, FormatError, GoxrayError, LayoutError, Maybe, ReadError
from ..target import CORE
from .allgs import allgs_of, not_started
from .clock import latest_time
from .frames import SourceFrame, is_user_frame
from .goroutine import Goroutine, GoroutineReader, goroutine_addresses, plausible, read_goroutines
from .labels import Labels
from .machines import Machine, match_threads, read_machines
from .nativecode import NativeCode
from .stacks import Stacks

if TYPE_CHECKING:
    from ..session import Session


class World:
    """Goroutines and Ms of a stopped program; dropped when it runs again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.memory = session.memory
        self.warnings: List[str] = []
        self.lost = 0  # how many entries of allgs are no goroutines, known once `goroutines` has been asked for
        self.reader = GoroutineReader(session.layout)
        if not_started(session.globals, self.memory):
            cut = " (or the core is cut off)" if session.target.kind == CORE else ""
            raise FormatError(f"the runtime has not started: there is no goroutine yet{cut}")
        try:
            self.allgs = allgs_of(session.globals, self.memory, self.reader)
        except ReadError as error:
            why = "is the core cut off, or was that memory not dumped (coredump_filter)?"
            raise FormatError(f"the list of goroutines is not there: {error}; {why}") from None
        except LayoutError as error:
            raise FormatError(f"the list of goroutines is nowhere: {error}; is the memory damaged?") from None
        self._goroutines: Optional[List[Goroutine]] = None
        self._machines: Optional[List[Machine]] = None
        self._stacks: Dict[int, Tuple[int, int]] = {}
        self._system: Optional[FrozenSet[int]] = None
        self.stacks = Stacks(session, self)
        self.labels = Labels(session.memory, session.layout)
        self.native_code = NativeCode(session)
        self._now: Optional[Maybe[int]] = None
        self.kept: Dict[str, object] = {}  # what analyses share as long as the program stands

    @property
    def goroutines(self) -> List[Goroutine]:
        """Every live goroutine, in the order the runtime keeps them; unreadable ones are counted in the warnings."""
        if self._goroutines is None:
            found, lost = [], []
            addresses = goroutine_addresses(self.memory, self.allgs)
            for address, goroutine in read_goroutines(self.memory, self.reader, self.allgs, addresses):
                if isinstance(goroutine, Absent) or plausible(goroutine):
                    lost.append(address)
                elif not goroutine.condition.dead:
                    found.append(goroutine)
            cut = self.allgs[1] - len(addresses)
            self.lost = len(lost) + cut
            if cut:
                self.warnings.append(f"{cut} goroutines cannot be read: the list of them is cut off")
            if lost:
                self.warnings.append(f"{len(lost)} goroutines cannot be read, the first at {lost[0]:#x}")
            self._goroutines = found
        return self._goroutines

    def goroutine(self, goid: int) -> Optional[Goroutine]:
        """The live goroutine with this id; None without one."""
        return next((g for g in self.goroutines if g.id == goid), None)

    @property
    def machines(self) -> List[Machine]:
        """Ms with their threads; those that could be read when the list is cut."""
        if self._machines is None:
            self._machines = self._read_machines()
        return self._machines

    def _read_machines(self) -> List[Machine]:
        session = self._session
        try:
            allm = session.globals.find("runtime.allm", self._is_allm)
            machines, cut = read_machines(self.memory, session.layout, allm)
        except GoxrayError as error:
            self.warnings.append(f"the runtime's threads cannot be told: {error}")
            return []
        if cut:
            self.warnings.append(cut)
        match_threads(machines, session.target.threads(), self._machine_stacks(machines), session.arch)
        return machines

    def _is_allm(self, address: int) -> bool:
        """allm points to an M whose g0 belongs to it."""
        try:
            kind = self._session.layout.struct("runtime.m")
            machine = self.memory.u64(address)
            g0 = self.reader.parse(0, self.memory.read(self.memory.u64(machine + kind.offset("g0")), self.reader.size))
            return machine != 0 and g0.raw.m == machine
        except (ReadError, struct.error):
            return False

    def _machine_stacks(self, machines: List[Machine]) -> Dict[int, Tuple[int, int]]:
        for machine in machines:
            for g in (machine.g0, machine.gsignal, machine.curg):
                if g and g not in self._stacks:
                    try:
                        raw = self.reader.parse(g, self.memory.read(g, self.reader.size)).raw
                        self._stacks[g] = (raw.low, raw.high)
                    except ReadError:
                        continue
        return self._stacks

    def bounds(self, g: int) -> Tuple[int, int]:
        """The stack [low, high) of an M's g at this address; (0, 0) when it could not be read."""
        return self._stacks.get(g, (0, 0))

    def machine_of(self, goroutine: Goroutine) -> Optional[Machine]:
        """The M that runs this goroutine, or is in a system call for it."""
        address = goroutine.raw.m
        return next((m for m in self.machines if m.address == address), None) if address else None

    def goid(self, g: int) -> Maybe[int]:
        """The id of the goroutine whose g is at this address; an M may name one that is dead."""
        if not g:
            return Absent(NOT_APPLICABLE, "there is none")
        try:
            return int(self.reader.parse(g, self.memory.read(g, self.reader.size)).raw.goid)
        except ReadError as error:
            return Absent(UNREADABLE, str(error))

    def processor_id(self, p: int) -> int:
        """The number of the runtime.p at this address."""
        return self.memory.i32(p + self._session.layout.struct("runtime.p").offset("id"))

    def start_kind(self, goroutine: Goroutine) -> str:
        """The func id, by its name, of the function that it started in: "gcBgMarkWorker"."""
        found = self._session.modules.find(goroutine.raw.startpc)
        return self._session.layout.enums["func_ids"].get(found[1].func_id, "") if found else ""

    def selected(self) -> Optional[Goroutine]:
        """The goroutine that the user has selected, or that of the selected thread; None when it runs none."""
        if self._session.selected_goroutine is not None:
            return self.goroutine(self._session.selected_goroutine)
        for machine in self.machines:
            if machine.thread is not None and machine.thread.selected and machine.curg:
                return next((g for g in self.goroutines if g.address == machine.curg), None)
        return None

    @property
    def now(self) -> Maybe[int]:
        """The latest instant that the program's memory bears witness to, in ns of its monotonic clock."""
        if self._now is None:
            self._now = latest_time(self._session, self.goroutines)
        return self._now

    def blocked_for(self, goroutine: Goroutine) -> Maybe[int]:
        """For how many ns at least it has been blocked."""
        since = goroutine.wait_since
        if isinstance(since, Absent):
            return since
        now = self.now
        return now if isinstance(now, Absent) else max(0, now - since)

    def code_at(self, pc: int) -> Optional[Tuple[str, str, int]]:
        """(function, file, line) of a return address such as gopc; None outside Go text."""
        found = self._session.modules.find(pc)
        return None if found is None else (found[1].name, *self._session.source_frames.at(*found, pc))

    def function_entry(self, pc: int) -> int:
        """The entry of the function that holds `pc`; 0 outside Go text."""
        found = self._session.modules.find(pc)
        return found[1].entry if found else 0

    def entry_at(self, pc: int) -> Optional[Tuple[str, str, int]]:
        """(function, file, line) of a function's start such as startpc."""
        found = self._session.modules.find(pc)
        return None if found is None else (found[1].name, *found[1].entry_line())

    def is_system(self, goroutine: Goroutine) -> bool:
        """isSystemGoroutine(gp, false): the runtime's own goroutines, unless they are calling user code."""
        return goroutine.address in self.system

    @property
    def system(self) -> FrozenSet[int]:
        """The addresses of the goroutines that are the runtime's own."""
        if self._system is None:
            known = {start: self._system_by_start(start) for start in {g.raw.startpc for g in self.goroutines}}
            suspects = [g for g in self.goroutines if known[g.raw.startpc] is not False]
            self._system = frozenset(g.address for g in suspects if known[g.raw.startpc] or not self._runs_user_code(g))
        return self._system

    def first_users(self, limit: int) -> Tuple[List[Goroutine], bool]:
        """(up to `limit` goroutines that are not the runtime's own, in the runtime's order, whether there are more).

        What is not shown is not read. No thread is asked for: a runtime's own that may call user code counts as a
        user's while it is not parked.
        """
        known: Dict[int, Maybe[bool]] = {}
        found: List[Goroutine] = []
        for _, goroutine in read_goroutines(self.memory, self.reader, self.allgs):
            if isinstance(goroutine, Absent) or plausible(goroutine) or goroutine.condition.dead:
                continue
            start = goroutine.raw.startpc
            if start not in known:
                known[start] = self._system_by_start(start)
            parked = goroutine.condition.parked and not goroutine.raw.m
            if known[start] or (isinstance(known[start], Absent) and parked and not self._runs_user_code(goroutine)):
                continue
            if len(found) == limit:
                return found, True
            found.append(goroutine)
        return found, False

    def _system_by_start(self, startpc: int) -> Maybe[bool]:
        found = self._session.modules.find(startpc)
        if found is None:
            return False
        ids = self._session.layout.enums["func_ids"]
        kind = ids.get(found[1].func_id)
        if kind in ("runtime_main", "corostart", "handleAsyncEvent"):
            return False
        if kind in ("runfinq", "runCleanups"):
            return Absent(NOT_APPLICABLE, "it depends on what it calls")
        return found[1].name.startswith("runtime.")

    def _runs_user_code(self, goroutine: Goroutine) -> bool:
        """Whether a finalizer or cleanup goroutine is inside a user's function: fingRunningFinalizer, by its stack."""
        frames = [item for item in self.stacks.frames(goroutine) if isinstance(item, SourceFrame)]
        return any(is_user_frame(frame.function) for frame in frames)

    def stats(self) -> Tuple[int, int]:
        """(user goroutines, system goroutines)."""
        system = len(self.system)
        return len(self.goroutines) - system, system
