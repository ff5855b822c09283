"""What /proc tells of a process on this machine. Source: Linux Documentation/filesystems/proc.rst, proc(5)."""

from __future__ import annotations

import os
import re
import struct
import time
from typing import Dict, List, Optional, Tuple

from ..target import Mapping

_MAPS = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)$", re.M)
_DELETED = " (deleted)"


def text(path: str) -> str:
    """A file of /proc; "" where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as stream:
            return stream.read()
    except OSError:
        return ""


def parse_maps(text: str) -> List[Mapping]:
    """/proc/PID/maps."""
    return [
        Mapping(int(start, 16), int(end, 16), flags, path or None, int(offset, 16))
        for start, end, flags, offset, path in _MAPS.findall(text)
    ]


def mappings(pid: int) -> List[Mapping]:
    return parse_maps(text(f"/proc/{pid}/maps"))


_RESIDENT = re.compile(r"^([0-9a-f]+)-[0-9a-f]+ |^Rss: +(\d+) kB$", re.M)


def resident(pid: int) -> Optional[Dict[int, int]]:
    """/proc/PID/smaps: start of a mapping -> bytes of it in RAM; None where it cannot be read."""
    found: Dict[int, int] = {}
    start = 0
    for head, kilobytes in _RESIDENT.findall(text(f"/proc/{pid}/smaps")):
        if head:
            start = int(head, 16)
        else:
            found[start] = int(kilobytes) * 1024
    return found or None


def monotonic_time(pid: int) -> Optional[int]:
    """This machine's CLOCK_MONOTONIC in ns, if it is the process's own too; None otherwise."""
    try:
        if os.readlink(f"/proc/{pid}/ns/time") != os.readlink("/proc/self/ns/time"):
            return None
    except OSError:
        return None
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def auxiliary_vector(pid: int) -> Dict[int, int]:
    """/proc/PID/auxv: type -> value."""
    try:
        with open(f"/proc/{pid}/auxv", "rb") as stream:
            data = stream.read()
    except OSError:
        return {}
    return dict(struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]))


def threads(pid: int) -> List[int]:
    """The ids of its threads, the process's own first."""
    try:
        found = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
    return sorted(found, key=lambda tid: (tid != pid, tid))


def inner_id(pid: int, tid: int) -> Optional[int]:
    """The thread's id in its own PID namespace, the one that the program itself sees."""
    found = re.search(r"^NSpid:\s+(.*)$", text(f"/proc/{pid}/task/{tid}/status"), re.M)
    return int(found.group(1).split()[-1]) if found else None


def stopped_at(pid: int, tid: int) -> Tuple[Optional[int], Optional[int]]:
    """(sp, pc) of a thread that sleeps in the kernel or is stopped; (None, None) of one that runs."""
    words = text(f"/proc/{pid}/task/{tid}/syscall").split()
    if len(words) < 3:
        return None, None
    return int(words[-2], 16), int(words[-1], 16)


def state(pid: int, tid: int) -> str:
    """The letter of its state ("R", "S", "T", ...); "" when it is gone."""
    found = re.search(r"^State:\s+(\S)", text(f"/proc/{pid}/task/{tid}/status"), re.M)
    return found.group(1) if found else ""


def file_of(pid: int, mapping: Mapping) -> Optional[str]:
    """A path by which a mapped file can be opened from here: it may be of another mount namespace, or deleted."""
    if not mapping.path or not mapping.path.startswith("/"):
        return None
    mapped = f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}"
    plain = mapping.path[: -len(_DELETED)] if mapping.path.endswith(_DELETED) else mapping.path
    for path in (plain, f"/proc/{pid}/root{plain}"):
        if _same_file(path, mapped):
            return path
    return mapped if os.access(mapped, os.R_OK) else None


def executable(pid: int) -> Optional[str]:
    """The executable's own path if that still leads to it from here, else /proc/PID/exe; None without the right."""
    link = f"/proc/{pid}/exe"
    try:
        path = os.readlink(link)
    except OSError:
        return None
    return path if _same_file(path, link) else link


def _same_file(path: str, other: str) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.stat(other))
    except OSError:
        return False
