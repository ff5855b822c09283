"""The registers of a goroutine that is off its thread, as lldb's operating-system plug-ins describe them."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional

from . import process as processes

# lldb reads registers by their place in the list, which must be what it is for threads, of cores and of servers alike.
_LISTS = {
    "amd64": ["rax", "rbx", "rcx", "rdx", "rdi", "rsi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16)), "rip"],
    "arm64": [*(f"x{i}" for i in range(29)), "fp", "lr", "sp", "pc"],
}
# The numbers of DWARF where they are not the places.
_DWARF = {"amd64": {"rdx": 1, "rcx": 2, "rbx": 3, "rsi": 4, "rdi": 5}}
_ROLES = {"rip": "pc", "rsp": "sp", "rbp": "fp", "pc": "pc", "sp": "sp", "fp": "fp", "lr": "ra"}
# Where each known register is in the data. Of what is not known there are less than 8 bytes, and lldb says so; the data
# must not end before it either. That goes for the frame pointer too where it is unknown.
_PLACES = {"pc": 0, "sp": 8, "fp": 16}
_UNKNOWN = 17
_WITHOUT_FP = 18


def info(process: Any) -> Dict[str, Any]:
    """What get_register_info of a plug-in returns."""
    arch = processes.architecture(process.GetTarget())
    names = _LISTS.get(arch, _LISTS["amd64"])
    listed: List[Dict[str, Any]] = []
    for place, name in enumerate(names):
        number = _DWARF.get(arch, {}).get(name, place)
        role = _ROLES.get(name)
        each = {"name": name, "bitsize": 64, "offset": _PLACES.get(role or "", _UNKNOWN), "set": 0}
        each.update(encoding="uint", format="hex", gcc=number, ehframe=number, dwarf=number)
        if role is not None:
            each["generic"] = role
        listed.append(each)
    return {"sets": ["general"], "registers": listed}


def data(pc: int, sp: int, fp: Optional[int]) -> bytes:
    """What get_register_data of a plug-in returns."""
    packed = struct.pack("<3Q", pc, sp, fp or 0)
    return packed if fp is not None else packed[:_WITHOUT_FP]
