"""Which Go versions and architectures a test runs over; `scripts/test --all` (pytest --all-matrix) means all."""

from __future__ import annotations

from typing import List, Tuple

from .build import PLAIN, Flags
from .toolchains import toolchains

# Every Go minor is tested on amd64 at any time; these on arm64, where qemu makes it slower.
ARM64_QUICK = ("1.27", "1.24", "1.19")
MIDDLE = "1.23"
# Other ways to build: all on the newest Go, and for a quick run these on the oldest.
VARIANTS = (Flags(pie=True), Flags(cgo=True), Flags(pie=True, cgo=True), Flags(noopt=True), Flags(trimpath=True))
OLDEST_QUICK = {"amd64": VARIANTS[1:4:2], "arm64": VARIANTS[2:3]}

_full = False


def set_full(on: bool) -> None:
    """Called by conftest before tests are collected."""
    global _full
    _full = on


def is_full() -> bool:
    return _full


def versions() -> List[str]:
    """The Go minors, newest first."""
    return [each.minor for each in toolchains()]


def newest() -> str:
    return versions()[0]


def oldest() -> str:
    return versions()[-1]


def pairs() -> List[Tuple[str, str]]:
    """(version, arch) for pytest.mark.parametrize("version,arch", pairs())."""
    arm64 = [v for v in versions() if _full or v in ARM64_QUICK]
    return [(v, "amd64") for v in versions()] + [(v, "arm64") for v in arm64]


def few() -> List[Tuple[str, str]]:
    """Some of `pairs`, for what a debugger is asked end to end where other tests ask the core of every version."""
    quick = [(version, "amd64") for version in (newest(), MIDDLE, oldest())] + [(newest(), "arm64")]
    return pairs() if _full else quick


def variants() -> List[Tuple[str, str, Flags]]:
    """(version, arch, flags) of other builds than the plain one: everywhere in full, else at both ends."""
    if _full:
        return [(version, arch, flags) for version, arch in pairs() for flags in VARIANTS]
    arches = ("amd64", "arm64")
    last = [(oldest(), arch, flags) for arch in arches for flags in OLDEST_QUICK[arch]]
    return [(newest(), arch, flags) for arch in arches for flags in VARIANTS] + last


def builds() -> List[Tuple[str, str, Flags]]:
    """`pairs` with plain builds, then `variants`."""
    return [(version, arch, PLAIN) for version, arch in pairs()] + variants()
