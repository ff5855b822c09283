"""Architectures: registers, calling convention, and the data addresses in code."""

from __future__ import annotations

from ..errors import GoxrayError
from .amd64 import AMD64
from .arm64 import ARM64
from .model import ADDRESS, LOAD, STORE, Arch, Ref

ARCHES = (AMD64, ARM64)

_BY_NAME = {arch.name: arch for arch in ARCHES}
_BY_MACHINE = {arch.elf_machine: arch for arch in ARCHES}


class UnknownArchError(GoxrayError):
    """An architecture that goxray has no description of."""


def get_arch(name: str) -> Arch:
    """The Arch called `name` in Go's words ("amd64", "arm64"); UnknownArchError names any other."""
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(sorted(_BY_NAME))
        raise UnknownArchError(f"architecture {name} is not supported (supported: {known})") from None


def arch_of_machine(machine: int) -> Arch:
    """The Arch with ELF machine number `machine` (e_machine); UnknownArchError for any other."""
    try:
        return _BY_MACHINE[machine]
    except KeyError:
        raise UnknownArchError(f"ELF machine {machine} is not supported (supported: x86-64, AArch64)") from None


__all__ = [
    "ADDRESS",
    "ARCHES",
    "LOAD",
    "STORE",
    "Arch",
    "Ref",
    "UnknownArchError",
    "arch_of_machine",
    "get_arch",
]
