"""Which Go versions and architectures a test runs over; `scripts/test --all` (pytest --all-matrix) means all."""

from __future__ import annotations

from typing import List, Tuple

from .build import PLAIN, Flags
from .toolchains import toolchains

# Every Go minor is tested on amd64 at any time; these on arm64, where qemu makes it slower.
ARM64_QUICK = ("1.27", "1.24", "1.21", "1.19")
# Other ways to build, on the newest and the oldest Go.
VARIANTS = (Flags(pie=True), Flags(cgo=True), Flags(pie=True, cgo=True), Flags(noopt=True), Flags(trimpath=True))

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


def variants() -> List[Tuple[str, str, Flags]]:
    """(version, arch, flags) of other builds than the plain one: `pairs` at both ends, or everywhere in full."""
    places = pairs() if _full else [(v, a) for v in (newest(), oldest()) for a in ("amd64", "arm64")]
    return [(version, arch, flags) for version, arch in places for flags in VARIANTS]


def builds() -> List[Tuple[str, str, Flags]]:
    """`pairs` with plain builds, then `variants`."""
    return [(version, arch, PLAIN) for version, arch in pairs()] + variants()
