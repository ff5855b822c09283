"""Sourced by gdb after the extension: single-steps a goroutine and compares each walk with a shadow stack.

The shadow stack is kept by what the processor does alone: a call pushes its return address, and whatever lifts sp above
it or jumps back to it drops it. `_shadow` (JSON): steps, end (a pc to end at), native (gdb's own frames
by rebuilt symbols are compared, not goxray's walk). Prints one line of JSON at the end.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import Any, Dict, List, Optional, Tuple

import gdb

sys.path.insert(0, _root)  # type: ignore[name-defined]  # noqa: F821

from gdb_go_ext.sessions import SESSIONS  # noqa: E402
from shared_core.arch.refs import disassemble  # noqa: E402
from shared_core.runtime.goroutine import Goroutine  # noqa: E402
from shared_core.runtime.unwind import Frame, Stop  # noqa: E402

MASK = (1 << 64) - 1
MAX_WRONG = 8
ATOMIC = ("ldar", "stlr", "cas", "swp", "ldadd", "ldset", "ldclr", "ldeor")  # qemu 7.2 does not stop after these
ENOUGH = 8  # steps on the system stack; under qemu the rest is run through, since sysmon preempts all the time
ON_SYSTEM_STACK = 29  # once so many steps the goroutine's own stack is compared while its thread is on another

# Where the stack of a thread begins.
SYSTEM_ENDS = ("runtime.mstart", "runtime.rt0_go", "runtime.goexit")


class Stepper:
    """Steps the selected thread; `shadows`: g's address -> its return addresses, each with sp at its call below hi."""

    def __init__(self) -> None:
        session = SESSIONS.current()
        self.inferior = gdb.selected_inferior()
        self.arch = session.arch
        self.calls = ("bl", "blr") if self.arch.uses_lr else ("call",)
        self.verbs: Dict[int, Tuple[str, int]] = {}
        self.shadows: Dict[int, List[Tuple[int, int]]] = {}
        self.seen: set[Tuple[int, ...]] = set()
        self.checked = self.steps = self.away = self.last = 0
        self.stops: Dict[str, int] = {}
        self.functions: set[str] = set()
        self.wrong: List[str] = []

    def register(self, name: str) -> int:
        return int(gdb.newest_frame().read_register(name)) & MASK

    def place(self) -> Tuple[int, int]:
        return self.register("pc"), self.register("sp")

    def verb(self, pc: int) -> Tuple[str, int]:
        """(mnemonic without prefixes, size) of the instruction at `pc`."""
        if pc not in self.verbs:
            try:
                lines = disassemble(self.arch, self.inferior.read_memory(pc, 16).tobytes(), pc)
            except gdb.MemoryError:
                return "", 1
            line = next(iter(lines), (pc, 1, "?", ""))
            self.verbs[pc] = line[2].split()[-1], line[1]
        return self.verbs[pc]

    def owner(self, sp: int) -> Optional[Tuple[int, int]]:
        """(g, hi) of the known goroutine whose stack `sp` is on."""
        for g in self.shadows:
            low, high = struct.unpack("<QQ", self.inferior.read_memory(g, 16).tobytes())
            if low < sp <= high:
                return g, high
        return None

    def learn(self, goroutine: Goroutine) -> None:
        """Begin with the stack as it is walked now: at a call's first instruction, where it is compared by eye."""
        items = list(SESSIONS.current().world.stacks.walk(goroutine))
        assert all(isinstance(item, Frame) for item in items), items[-1]
        self.last = goroutine.address
        self.shadows[goroutine.address] = [(f.pc, f.sp - goroutine.raw.high) for f in items[:0:-1]]

    def step(self) -> bool:
        """One instruction; False when the program has ended."""
        pc, sp = self.place()
        verb, size = self.verb(pc)
        before = self.owner(sp)
        if self.arch.uses_lr and self.away > ENOUGH:
            self.run_to(self.shadows[self.last][-1][0])
        elif verb.startswith(ATOMIC):
            self.run_to(pc + size)
        else:
            gdb.execute("stepi", to_string=True)
        self.steps += 1
        if gdb.selected_thread() is None or not gdb.selected_thread().is_valid():
            return False
        after_pc, after_sp = self.place()
        after = self.owner(after_sp)
        self.away = 0 if after else self.away + 1
        self.last = after[0] if after else self.last
        if after is None:
            return True
        shadow, depth = self.shadows[after[0]], after_sp - after[1]
        if before == after and verb in self.calls and after_pc != pc + size:
            shadow.append((pc + size, sp - after[1]))
            return True
        switched = before != after
        while shadow and shadow[-1][1] < depth or (shadow and not self.arch.uses_lr and shadow[-1][1] == depth):
            shadow.pop()
        # A callee without a frame has its caller's sp on arm64: what tells is that control is back in the caller.
        if (
            shadow
            and shadow[-1][1] == depth
            and (shadow[-1][0] == after_pc or switched and self.same(shadow, after_pc))
        ):
            shadow.pop()
        return True

    def run_to(self, pc: int) -> None:
        gdb.execute(f"tbreak *{pc:#x}", to_string=True)
        gdb.execute("continue", to_string=True)

    def same(self, shadow: List[Tuple[int, int]], pc: int) -> bool:
        """Whether `pc` is in the function that the innermost return address is in: recovery goes to its end."""
        entries = [SESSIONS.current().world.function_entry(each) for each in (pc, shadow[-1][0])]
        return entries[0] == entries[1] != 0

    def check(self) -> None:
        """The walk of the goroutine that this thread runs, against its shadow stack."""
        pc, sp = self.place()
        owner = self.owner(sp)
        key = (pc, *(each[0] for each in self.shadows[owner[0]][-3:])) if owner else (pc, 0)
        if key in self.seen or (self.away > ON_SYSTEM_STACK and self.away % ON_SYSTEM_STACK):
            return
        self.seen.add(key)
        session = SESSIONS.current()
        goroutine = session.world.selected()
        if goroutine is None:
            return
        found = session.modules.find(pc)
        name = found[1].name if found else hex(pc)
        if goroutine.address not in self.shadows:
            if not goroutine.raw.low < sp <= goroutine.raw.high:
                return
            self.learn(goroutine)
            owner = self.owner(sp)
        self.checked += 1
        self.functions.add(name)
        items = list(session.world.stacks.walk(goroutine))
        stop = items[-1].reason if isinstance(items[-1], Stop) else ""
        frames = [item for item in items if isinstance(item, Frame)]
        rest = [each[0] for each in self.shadows[goroutine.address][::-1]]
        if owner is not None and owner[0] == goroutine.address:
            pcs = [f.pc for f in frames]
            # gogo is about to jump to where the goroutine goes on: the walk begins there.
            resumed = name in ("gogo", "runtime.gogo") and rest in (pcs, pcs[1:])
            good = resumed or self._as_called(pcs, [pc, *rest], stop)
        else:
            mine = [f.pc for f in frames if goroutine.raw.low < f.sp <= goroutine.raw.high]
            # systemstack_switch stands for systemstack, and recovery has made up where it goes on.
            good = mine in (rest, mine[:1] + rest) or bool(stop) or name in ("runtime.recovery", "runtime.gogo", "gogo")
        if stop:
            self.stops[name] = self.stops.get(name, 0) + 1
        if not good:
            trace = f"{[hex(f.pc) for f in frames[:6]]} for {[hex(each) for each in [pc, *rest][:6]]}"
            self.wrong.append(
                f"step {self.steps} {name} {hex(pc)} {self.verb(pc)[0]} {goroutine.status}: {trace} {stop}"
            )

    def _as_called(self, pcs: List[int], expected: List[int], stop: str) -> bool:
        if pcs and pcs[0] != expected[0] and expected[0] == 0:
            expected = expected[1:]  # at a call of nil the walk begins with the caller
        return pcs == expected[: len(pcs)] if stop else pcs == expected

    def commands(self) -> None:
        """What a user may ask for at any instruction must not fail."""
        for command in ("go-goroutines", "go-args --frame", "go-traceback"):
            try:
                text = gdb.execute(command, to_string=True)
            except gdb.error as error:  # a thread between two goroutines has none
                text = str(error)
            if "internal error" in text or "Traceback" in text:
                self.wrong.append(f"step {self.steps} {command}: {text[-300:]}")

    def run(self, wanted: Dict[str, Any]) -> Dict[str, Any]:
        goroutine = SESSIONS.current().world.selected()
        assert goroutine is not None
        self.learn(goroutine)
        while self.steps < wanted["steps"] and len(self.wrong) < MAX_WRONG and self.step():
            if self.place()[0] == wanted["end"]:
                break
            self.check()
            if self.steps % wanted["every"] == 0:
                self.commands()
        return {
            "steps": self.steps, "checked": self.checked, "stops": self.stops, "wrong": self.wrong,
            "functions": sorted(self.functions),
        }  # fmt: skip


class NativeStepper(Stepper):
    """Compares the frames that gdb itself finds; what it calls the outermost is one, or what nobody can see beyond."""

    def run(self, wanted: Dict[str, Any]) -> Dict[str, Any]:
        print(gdb.execute("go-load-symbols", to_string=True))
        return super().run(wanted)

    def check(self) -> None:
        pc, sp = self.place()
        owner = self.owner(sp)
        frames = self._frames()
        pcs, last = [frame.pc() for frame in frames], frames[-1]
        if tuple(pcs[:6]) in self.seen:
            return
        self.seen.add(tuple(pcs[:6]))
        self.checked += 1
        self.functions.add(frames[0].name() or hex(pc))
        if owner is None:
            expected = pcs
        else:
            expected = [pc, *(each[0] for each in self.shadows[owner[0]][::-1])]
            if pc == 0:
                expected, pcs = expected[1:], pcs[1:]
        if pcs != expected or owner is None and last.name() not in SYSTEM_ENDS:
            self.stops[last.name()] = self.stops.get(last.name(), 0) + 1
        reason, names = last.unwind_stop_reason(), [frame.name() for frame in frames]
        if pcs != expected[: len(pcs)] or reason != gdb.FRAME_UNWIND_OUTERMOST or None in names:
            trace = f"{names[:6]} {list(map(hex, pcs[:6]))} for {list(map(hex, expected[:6]))}"
            self.wrong.append(f"step {self.steps} {self.verb(pc)[0]}: {trace} {gdb.frame_stop_reason_string(reason)}")

    def _frames(self) -> List[gdb.Frame]:
        found, frame = [], gdb.newest_frame()
        while frame is not None:
            if frame.type() != gdb.INLINE_FRAME:
                found.append(frame)
            frame = frame.older()
        return found


_wanted = json.loads(_shadow)  # type: ignore[name-defined]  # noqa: F821
_stepper = (NativeStepper if _wanted["native"] else Stepper)()
print("\n" + json.dumps(_stepper.run(_wanted)))
