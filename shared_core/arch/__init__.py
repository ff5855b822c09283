"""Architectures: registers, calling convention, and the data addresses in code."""

from __future__ import annotations

from ..errors import GoxrayError
from .amd64 import AMD64
from .arm64 import ARM64
from .model import ADDRESS, LOAD, STORE, Arch, Ref

ARCHES = (AMD64, ARM64)
ARCH_NAMES = tuple(arch.name for arch in ARCHES)

_BY_NAME = {arch.name: arch for arch in ARCHES}


class UnknownArchError(GoxrayError):
    """An architecture that goxray has no description of."""


def get_arch(name: str) -> Arch:
    """The Arch called `name` in Go's words ("amd64", "arm64"); UnknownArchError names any other."""
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(sorted(_BY_NAME))
        raise UnknownArchError(f"architecture {name} is not supported (supported: {known})") from None


__all__ = [
    "ADDRESS",
    "ARCHES",
    "ARCH_NAMES",
    "LOAD",
    "STORE",
    "Arch",
    "Ref",
    "UnknownArchError",
    "get_arch",
]
