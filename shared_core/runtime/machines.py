"""Ms: the runtime's threads, and how each ties to a thread of the target.

Source: Go 1.27 runtime/runtime2.go (m), runtime/proc.go (allm, mcommoninit).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from ..arch import Arch
from ..errors import ReadError
from ..layouts.model import Layout, Struct
from ..memory import Memory
from ..target import Thread

MAX_MACHINES = 1 << 17
_POINTERS = ("g0", "gsignal", "curg")
_WORDS = {"lockedg": "lockedg", "p": "p", "vdso_pc": "vdsoPC", "vdso_sp": "vdsoSP"}
_BYTES = {"spinning": "spinning", "blocked": "blocked", "in_c": "incgo", "extra": "isextra"}


@dataclass
class Machine:
    """One runtime.m; `thread` is the target's thread that runs it, None when no thread matches.

    lockedg: the goroutine that only it may run. p: its P, 0 without one. vdso_pc, vdso_sp: where it called the vdso.
    spinning: it looks for work. blocked: on a note. in_c: it runs C code. extra: it was made for C threads.
    """

    address: int
    id: int
    procid: int
    g0: int
    gsignal: int
    curg: int
    thread: Optional[Thread] = None
    lockedg: int = 0
    p: int = 0
    vdso_pc: int = 0
    vdso_sp: int = 0
    spinning: bool = False
    blocked: bool = False
    in_c: bool = False
    extra: bool = False


def read_machines(memory: Memory, layout: Layout, allm: int) -> Tuple[List[Machine], str]:
    """The Ms of the alllink list from the head that is stored at `allm`, and why it ended early ("" if it did not)."""
    kind = layout.struct("runtime.m")
    names = ("g0", "procid", "gsignal", "curg", "id", "alllink")
    offsets = {name: kind.offset(name) for name in names}
    found: List[Machine] = []
    seen = set()
    try:
        address = memory.u64(allm)
        while address and len(found) < MAX_MACHINES:
            if address in seen:
                return found, f"the list of Ms loops at {address:#x}"
            seen.add(address)
            words = {name: memory.u64(address + offset) for name, offset in offsets.items()}
            machine = Machine(address, words["id"], words["procid"], words["g0"], words["gsignal"], words["curg"])
            _add_details(machine, memory, kind)
            found.append(machine)
            address = words["alllink"]
    except ReadError as error:
        return found, f"the list of Ms is cut: {error}"
    return found, ""


def _add_details(machine: Machine, memory: Memory, kind: Struct) -> None:
    """What a version has not (isextra is new in Go 1.21) stays as it is."""
    for ours, go in _WORDS.items():
        if go in kind:
            setattr(machine, ours, memory.u64(machine.address + kind.offset(go)))
    for ours, go in _BYTES.items():
        if go in kind:
            setattr(machine, ours, bool(memory.u8(machine.address + kind.offset(go))))


def match_threads(
    machines: List[Machine], threads: List[Thread], stacks: Dict[int, Tuple[int, int]], arch: Arch
) -> None:
    """Set each machine's thread: by thread id, or by whose stack the thread's sp is on.

    `stacks`: g address -> its stack bounds. m.procid is the id inside the process's own PID namespace, so ids are
    trusted only while the sp does not contradict them.
    """
    by_tid = {thread.inner_tid or thread.tid: thread for thread in threads}
    by_stack = _by_stack(machines, threads, stacks, arch)
    ids_hold = all(by_tid.get(machine.procid) in (None, thread) for machine, thread in by_stack)
    for machine in machines:
        if ids_hold:
            machine.thread = by_tid.get(machine.procid)
    for machine, thread in by_stack:
        machine.thread = machine.thread or thread


def _by_stack(
    machines: List[Machine], threads: List[Thread], stacks: Dict[int, Tuple[int, int]], arch: Arch
) -> List[Tuple[Machine, Thread]]:
    found = []
    for thread in threads:
        sp = thread.registers.get(arch.sp)
        if sp is None:
            continue
        for machine in machines:
            if any(low < sp <= high for low, high in _bounds(machine, stacks)):
                found.append((machine, thread))
                break
    return found


def _bounds(machine: Machine, stacks: Dict[int, Tuple[int, int]]) -> List[Tuple[int, int]]:
    owned = (getattr(machine, name) for name in _POINTERS)
    return [stacks[g] for g in owned if g in stacks]
