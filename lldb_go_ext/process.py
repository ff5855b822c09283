"""Small questions to lldb about a target and its process, answered alike by its versions."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Optional

import lldb

from shared_core.target import CORE, FILE, LIVE
from shared_core.targets import procfs

_ARCHES = {"x86_64": "amd64", "x86_64h": "amd64", "aarch64": "arm64", "arm64": "arm64", "arm64e": "arm64"}
_STILL = (lldb.eStateStopped, lldb.eStateCrashed, lldb.eStateSuspended)
_MOVING = (lldb.eStateRunning, lldb.eStateStepping, lldb.eStateAttaching, lldb.eStateLaunching)
_MAX_ANCESTORS = 64


def kind(process: Any) -> str:
    """CORE, LIVE, or FILE when there is no process."""
    if not process.IsValid() or process.GetState() not in _STILL + _MOVING:
        return FILE
    return kind_of_existing(process)


def kind_of_existing(process: Any) -> str:
    """CORE or LIVE, also while lldb is about to give the process its state."""
    name = process.GetPluginName() or ""
    return CORE if "core" in name or name == "minidump" else LIVE


def is_running(process: Any) -> bool:
    return bool(process.IsValid() and process.GetState() in _MOVING)


def is_native(process: Any) -> bool:
    """Whether the process runs on this machine under this lldb, so that /proc/PID is its own.

    lldb speaks to a server in any case: it is a native one when what traces that very process descends from us.
    """
    if kind(process) != LIVE:
        return False
    pid = process.GetProcessID()
    tracer = _status(pid, "TracerPid")
    for _ in range(_MAX_ANCESTORS):
        if tracer in (None, 0, 1):
            return False
        if tracer == os.getpid():
            return True
        tracer = _status(tracer, "PPid")
    return False


def _status(pid: Optional[int], name: str) -> Optional[int]:
    """A number out of /proc/PID/status."""
    found = re.search(rf"^{name}:\s+(\d+)", procfs.text(f"/proc/{pid}/status"), re.M)
    return int(found.group(1)) if found else None


def monotonic_time(process: Any) -> Optional[int]:
    """This machine's CLOCK_MONOTONIC, if it is the process's own too; None otherwise."""
    return procfs.monotonic_time(process.GetProcessID()) if is_native(process) else None


def resident(process: Any) -> Optional[Dict[int, int]]:
    """Start of a mapping -> bytes of it in RAM, of a process on this machine; None otherwise."""
    return procfs.resident(process.GetProcessID()) if is_native(process) else None


def executable(target: Any) -> Optional[str]:
    """The path of the executable as lldb has it, or None."""
    spec = target.GetExecutable()
    return path_of(spec) if spec.IsValid() else None


def path_of(spec: Any) -> Optional[str]:
    """The whole path of an SBFileSpec."""
    directory, name = spec.GetDirectory(), spec.GetFilename()
    return os.path.join(directory or "", name) if name else None


def architecture(target: Any) -> str:
    """ "amd64", "arm64", or lldb's own name for any other."""
    name = (target.GetTriple() or "").split("-")[0]
    return _ARCHES.get(name, name)


def byte_order(target: Any) -> str:
    """ "little" or "big"."""
    return "big" if target.GetByteOrder() == lldb.eByteOrderBig else "little"
