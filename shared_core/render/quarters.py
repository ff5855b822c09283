"""How many goroutines wait for what: the summary line of the diagnosis commands, and the same in documents."""

from __future__ import annotations

from typing import Dict

_FIRST = 4  # the quarters themselves, shown even where there are none


def quarters_text(quarters: Dict[str, int], gc_phase: str = "") -> str:
    """ "channel 12, network poll 3, system call 1, runtime/GC 0; lock 2; GC off": the four, and the rest if any."""
    pairs = list(quarters.items())
    parts = [", ".join(f"{name} {number}" for name, number in pairs[:_FIRST])]
    rest = ", ".join(f"{name} {number}" for name, number in pairs[_FIRST:] if number)
    return "; ".join([*parts, *([rest] if rest else []), *([f"GC {gc_phase}"] if gc_phase else [])])


def quarters_line(quarters: Dict[str, int], gc_phase: str = "") -> str:
    """The same as the last line of a listing; "" where there is no goroutine."""
    return f"({quarters_text(quarters, gc_phase)})\n" if any(quarters.values()) else ""


def quarters_document(quarters: Dict[str, int]) -> Dict[str, int]:
    """By keys of a document: {"channel": 12, "network_poll": 3, ...}."""
    return {name.replace(" ", "_").replace("/", "_").lower(): number for name, number in quarters.items()}
