"""Sizes in memory, for people."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(number: int) -> str:
    """Bytes in the largest unit that leaves one before the point: "8 KiB", "1.5 MiB"."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}".rstrip("0").rstrip(".") + f" {_UNITS[unit]}"
