"""Sourced by gdb after the extension: stops a live program at random moments, and judges every walk by its call sites.

A frame's caller stands behind a call instruction; where that call names its target, the target leads to the callee's
entry. `_stops` (JSON): count, seed, seconds (the longest run between two stops). Prints one line of JSON at the end.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import threading
import time
from typing import Any, Dict, List, Optional

import gdb

sys.path.insert(0, _root)  # type: ignore[name-defined]  # noqa: F821

from gdb_go_ext.sessions import SESSIONS  # noqa: E402
from shared_core.arch.refs import disassemble  # noqa: E402
from shared_core.runtime.unwind import Frame, Stop  # noqa: E402

MAX_WRONG = 10
LONGEST_CALL = 8  # bytes of amd64's longest form, call [base + index + disp32] with a prefix


class CallSites:
    """What precedes return addresses; kept over stops, since code does not change."""

    def __init__(self) -> None:
        self.arch = SESSIONS.current().arch
        self.inferior = gdb.selected_inferior()
        self.calls: Dict[int, Optional[List[Optional[int]]]] = {}
        self.jumps: Dict[int, List[int]] = {}

    def before(self, pc: int) -> Optional[List[Optional[int]]]:
        """Targets (None: indirect) of the call instructions that may end at `pc`; None where there is none."""
        if pc not in self.calls:
            sizes = (4,) if self.arch.uses_lr else range(2, LONGEST_CALL + 1)
            found = [target for size in sizes for target in self._call(pc - size, size)]
            self.calls[pc] = found or None
        return self.calls[pc]

    def _call(self, at: int, size: int) -> List[Optional[int]]:
        line = next(iter(disassemble(self.arch, self.inferior.read_memory(at, size).tobytes(), at)), None)
        if line is None or line[1] != size or line[2] not in ("call", "bl", "blr"):
            return []
        target = re.match(r"#?(0x[0-9a-f]+)$", line[3])
        return [int(target.group(1), 16) if target else None]

    def leads_to(self, target: int, entry: int, hops: int = 3) -> bool:
        """Whether the function at `target` is the one at `entry`, or jumps to it (tail calls, ABI wrappers)."""
        if target == entry:
            return True
        found = SESSIONS.current().modules.find(target)
        if found is None or not hops:
            return False
        func = found[1]
        if func.entry not in self.jumps:
            code = bytes(found[0].code(func))
            lines = [line for line in disassemble(self.arch, code, func.entry) if line[2] in ("jmp", "b", "br")]
            # An indirect jump may go anywhere.
            places = [re.match(r"#?(0x[0-9a-f]+)$", line[3]) for line in lines]
            self.jumps[func.entry] = [int(place.group(1), 16) if place else -1 for place in places]
        inside = range(func.entry, func.end)
        return any(
            place == -1 or (place not in inside and self.leads_to(place, entry, hops - 1))
            for place in self.jumps[func.entry]
        )

    def problem(self, callee: Frame, caller: Frame) -> str:
        """Why `caller` cannot have called `callee`; "" when it can."""
        if callee.facts.injects or caller.trap:
            return ""
        if caller.func.name == "runtime.goexit":
            return ""  # newproc makes up this call: goexit+1
        if callee.func.name == "runtime.systemstack_switch":
            return ""  # what systemstack, and asmcgocall, put into g.sched for themselves
        targets = self.before(caller.pc)
        if targets is None:
            return f"no call before {caller.pc:#x}"
        if None in targets or any(self.leads_to(each, callee.func.entry) for each in targets if each is not None):
            return ""
        return f"{caller.func.name} calls {[hex(each) for each in targets if each is not None]}"


def judge(sites: CallSites, report: Dict[str, Any]) -> None:
    """Every goroutine's walk at this stop."""
    session = SESSIONS.current()
    for goroutine in session.world.goroutines:
        items = list(session.world.stacks.walk(goroutine))
        frames = [item for item in items if isinstance(item, Frame)]
        report["walks"] += 1
        report["frames"] += len(frames)
        report["interrupted"] += bool(frames and frames[0].trap)
        where = f"goroutine {goroutine.id} {goroutine.status} {[f.func.name for f in frames]}"
        problems = [sites.problem(*pair) for pair in zip(frames, frames[1:])]
        problems += ["sp does not rise" for one, two in zip(frames, frames[1:]) if two.sp < one.fp]
        if items and isinstance(items[-1], Stop):
            text = re.sub("0x[0-9a-f]+", "ADDRESS", items[-1].reason)
            report["stops"][text] = report["stops"].get(text, 0) + 1
        elif not frames or not frames[-1].facts.top:
            problems.append("no end and no reason")
        report["wrong"] += [f"{problem}: {where} {items[-1]}" for problem in problems if problem]


def resume(pid: int, seconds: float) -> None:
    """Let the program run for so long, or a little longer."""
    assert pid > 0  # 0 would be this whole process group
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGINT))
    timer.start()
    gdb.execute("continue", to_string=True)
    timer.join()


def run(wanted: Dict[str, Any]) -> Dict[str, Any]:
    chooser = random.Random(wanted["seed"])
    report: Dict[str, Any] = {"walks": 0, "frames": 0, "interrupted": 0, "stops": {}, "wrong": [], "count": 0}
    sites, pid = CallSites(), gdb.selected_inferior().pid
    resume(pid, 0.3)
    while report["count"] < wanted["count"] and len(report["wrong"]) < MAX_WRONG:
        resume(pid, chooser.uniform(0.0005, wanted["seconds"]))
        if not gdb.selected_inferior().pid:
            break
        judge(sites, report)
        report["count"] += 1
    return report


began = time.time()
found = run(json.loads(_stops))  # type: ignore[name-defined]  # noqa: F821
print("\n" + json.dumps({**found, "seconds": time.time() - began}))
