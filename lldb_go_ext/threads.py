"""The threads of a process with their registers; nothing is selected for it."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import Any, Dict, List, Optional

import lldb

from shared_core.target import CORE, Thread
from shared_core.targets import procfs

from . import goroutines
from . import process as processes

_AMD64 = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16))]
# The registers by our names -> by lldb's.
NAMES = {
    "amd64": {**{name: name for name in [*_AMD64, "rip", "fs_base", "pc", "sp"]}, "eflags": "rflags"},
    "arm64": {name: name for name in [*(f"x{i}" for i in range(31)), "sp", "pc"]},
}  # type: Dict[str, Dict[str, str]]
# The registers of floating-point arguments, by those of lldb's that have them as their lowest 8 bytes.
_FLOATS = {
    "amd64": {f"xmm{i}": f"xmm{i}" for i in range(15)},
    "arm64": {f"d{i}": f"v{i}" for i in range(16)},
}  # type: Dict[str, Dict[str, str]]
# Signals by which lldb itself stops a live thread; they say nothing about the program.
_OF_DEBUGGER = {"SIGSTOP", "SIGTRAP"}
_SIGNAL = re.compile(r"\bSIG[A-Z]+\d*\b")


def of_process(process: Any, arch: str, chosen: int) -> List[Thread]:
    """Every thread of the system, by lldb's numbers. Only the chosen one has the registers of floats too."""
    core, native = processes.kind(process) == CORE, processes.is_native(process)
    found = [process.GetThreadAtIndex(index) for index in range(process.GetNumThreads())]
    threads = [
        _thread(each, arch, core, each.GetThreadID() == chosen)
        for each in sorted(found, key=lambda each: each.GetIndexID())
        if goroutines.goid(process, each.GetThreadID()) is None
    ]
    if not native:
        return threads
    return [replace(each, inner_tid=procfs.inner_id(process.GetProcessID(), each.tid)) for each in threads]


def _thread(thread: Any, arch: str, core: bool, selected: bool) -> Thread:
    frame = thread.GetFrameAtIndex(0)
    registers: Dict[str, Optional[int]] = {}
    if frame.IsValid():
        names = NAMES.get(arch, {"pc": "pc", "sp": "sp"})
        registers = {ours: _integer(frame, theirs) for ours, theirs in names.items()}
        if selected:
            registers.update((ours, _low(frame, theirs)) for ours, theirs in _FLOATS.get(arch, {}).items())
    # In a core lldb gives the first thread the program's name, as if that were its own.
    name, number = "" if core else thread.GetName() or "", thread.GetIndexID()
    return Thread(thread.GetThreadID(), name, registers, _signal(thread, core), selected, number=number)


def _integer(frame: Any, name: str) -> Optional[int]:
    value, error = frame.FindRegister(name), lldb.SBError()
    number = value.GetValueAsUnsigned(error, 0) if value.IsValid() else None
    return number if error.Success() else None


def _low(frame: Any, name: str) -> Optional[int]:
    """The lowest 8 bytes of a vector register."""
    value, error = frame.FindRegister(name), lldb.SBError()
    number = value.GetData().GetUnsignedInt64(error, 0) if value.IsValid() else None
    return number if error.Success() else None


def _signal(thread: Any, core: bool) -> Optional[str]:
    """The signal that the thread stopped with; None if it has none."""
    reason = thread.GetStopReason()
    name: Optional[str] = None
    if reason == lldb.eStopReasonSignal and thread.GetStopReasonDataCount():
        name = _name(thread.GetStopReasonDataAtIndex(0))
    elif reason == lldb.eStopReasonException:  # a SIGSEGV: "signal SIGSEGV: address not mapped to object"
        found = _SIGNAL.search(thread.GetStopDescription(256) or "")
        name = found.group() if found else None
    return None if not core and name in _OF_DEBUGGER else name


def _name(number: int) -> Optional[str]:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
