"""The threads of an inferior with their registers, read without a trace in the user's selection."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Optional, Tuple

import gdb

from shared_core.target import CORE, Thread
from shared_core.targets import procfs

from . import inferior as inferiors
from .quiet import quietly

_AMD64 = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16))]
NAMES = {
    "amd64": [*_AMD64, "rip", "eflags", "fs_base", "pc", "sp"],
    "arm64": [*(f"x{i}" for i in range(31)), "sp", "pc"],
}
# The registers of floating-point arguments, by the names and fields that gdb has for their lowest 8 bytes.
_FLOATS = {
    "amd64": {f"xmm{i}": ("v2_int64", 0) for i in range(15)},
    "arm64": {f"d{i}": ("u",) for i in range(16)},
}  # type: Dict[str, Dict[str, Tuple[Any, ...]]]
# Signals by which gdb itself stops a live thread; they say nothing about the program.
_OF_DEBUGGER = {"SIGSTOP", "SIGTRAP"}


def of_inferior(inferior: Any, arch: str) -> List[Thread]:
    """Every thread, by gdb's numbers. A thread that gdb cannot switch to has no registers.

    Only the selected one has those of floats too: gdb takes its time for them.
    """
    names, floats = NAMES.get(arch, ["pc", "sp"]), _FLOATS.get(arch, {})
    core = inferiors.kind(inferior) == CORE
    chosen = inferiors.selected()
    live = sorted((each for each in inferior.threads() if each.is_valid()), key=lambda each: each.num)
    with _selection_kept():
        # gdb 13 warns of every thread's `.reg-xstate` in a core from a newer processor.
        found = quietly(
            lambda: [
                _thread(each, names, floats if each.ptid == chosen else {}, core, each.ptid == chosen) for each in live
            ]
        )
    if not inferiors.is_native(inferior):
        return found
    return [replace(each, inner_tid=procfs.inner_id(inferior.pid, each.tid)) for each in found]


def _thread(thread: Any, names: List[str], floats: Dict[str, Tuple[Any, ...]], core: bool, selected: bool) -> Thread:
    _, lwp, tid = thread.ptid
    name, number = str(thread.name or ""), int(thread.num)
    try:
        thread.switch()
        registers = _registers(names, floats)
    except gdb.error:
        return Thread(lwp or tid, name, selected=selected, number=number)
    return Thread(lwp or tid, name, registers, _signal(core), selected, number=number)


def _registers(names: List[str], floats: Dict[str, Tuple[Any, ...]]) -> Dict[str, Optional[int]]:
    """The selected thread's registers, as they are in its innermost frame."""
    frame = gdb.newest_frame()
    found = {name: _register(frame, name) for name in names}
    found.update((name, _register(frame, name, fields)) for name, fields in floats.items())
    return found


def _register(frame: Any, name: str, fields: Tuple[Any, ...] = ()) -> Optional[int]:
    try:
        value = frame.read_register(name)
        for field in fields:
            value = value[field]
        return int(value) & 0xFFFF_FFFF_FFFF_FFFF
    except (gdb.error, ValueError, TypeError):
        return None


def _signal(core: bool) -> Optional[str]:
    """The signal that the selected thread stopped with, from its siginfo; None if it has none."""
    try:
        number = int(gdb.parse_and_eval("$_siginfo.si_signo"))
        name = signal.Signals(number).name
    except (gdb.error, ValueError, TypeError):
        return None
    return None if not core and name in _OF_DEBUGGER else name


@contextmanager
def _selection_kept() -> Iterator[None]:
    """Whatever the body switches to, the user's thread and frame are selected again afterwards."""
    thread = inferiors.selected_thread()
    try:
        frame = gdb.selected_frame()
    except gdb.error:
        frame = None
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
            if frame is not None and frame.is_valid():
                frame.select()
