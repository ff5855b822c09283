"""Small questions to gdb about an inferior, answered alike by its versions."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional, Tuple

import gdb

from shared_core.target import CORE, FILE, LIVE
from shared_core.targets import procfs

_ARCHES = {"i386:x86-64": "amd64", "i386:x86-64:intel": "amd64", "aarch64": "arm64"}


def ask(command: str) -> str:
    """What the gdb command prints; "" if it fails."""
    try:
        return str(gdb.execute(command, to_string=True))
    except gdb.error:
        return ""


def kind(inferior: Any) -> str:
    """CORE, LIVE, or FILE when there is no process."""
    if not inferior.pid:
        return FILE
    connection = getattr(inferior, "connection", None)  # since gdb 11
    if connection is not None:
        return CORE if connection.type == "core" else LIVE
    return CORE if "core dump file:" in ask("info files") else LIVE


def is_native(inferior: Any) -> bool:
    """Whether the process runs on this machine under this gdb, so that /proc/PID is its own."""
    connection = getattr(inferior, "connection", None)
    return connection is not None and connection.type == "native"


def monotonic_time(inferior: Any) -> Optional[int]:
    """This machine's CLOCK_MONOTONIC, if it is the process's own too; None otherwise."""
    return procfs.monotonic_time(inferior.pid) if is_native(inferior) else None


def resident(inferior: Any) -> Optional[Dict[int, int]]:
    """Start of a mapping -> bytes of it in RAM, of a process on this machine; None otherwise."""
    return procfs.resident(inferior.pid) if is_native(inferior) else None


def connection_number(inferior: Any) -> Optional[int]:
    """A number that is new with every core file opened and process connected to."""
    connection = getattr(inferior, "connection", None)
    return None if connection is None else int(connection.num)


def executable(inferior: Any) -> Optional[str]:
    """The path of the executable as gdb has it, or None."""
    name = inferior.progspace.filename
    return str(name) if name else None


def architecture(inferior: Any) -> str:
    """ "amd64", "arm64", or gdb's own name for any other."""
    name = str(inferior.architecture().name())
    return _ARCHES.get(name, name)


def byte_order() -> str:
    """ "little" or "big"; `show endian` knows, also where the setting is "auto"."""
    found = re.search(r"(little|big) endian", ask("show endian"))
    return found.group(1) if found else "little"


def pointer_size() -> int:
    """The size of a pointer of the current architecture, in bytes."""
    return int(gdb.lookup_type("void").pointer().sizeof)


def selected_thread() -> Any:
    """The thread that the user has selected; None if there is none."""
    try:
        thread = gdb.selected_thread()
    except SystemError:
        # "could not find gdb thread object": gdb 13, where the ids of a core's threads are noise.
        return None
    return thread if thread is not None and thread.is_valid() else None


def selected() -> Optional[Tuple[int, int, int]]:
    """The ptid of the thread that the user has selected."""
    thread = selected_thread()
    return thread.ptid if thread is not None else None
