"""How long goroutines have waited, for people and for JSON."""

from __future__ import annotations

from typing import Any

from ..errors import NOT_APPLICABLE, Absent, Maybe

_NS = 1_000_000_000


def duration(blocked: Maybe[int]) -> str:
    """What the runtime noted, in ns, as "~1h02m", "~3m05s", "~12s" or "~0.3s"; "" when unknown.

    No bound: it counts from the collection before the one that first saw the goroutine wait (work.tstart).
    """
    if isinstance(blocked, Absent):
        return ""
    seconds = blocked / _NS
    if seconds < 10:
        return f"~{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"~{hours}h{minutes:02}m"
    return f"~{minutes}m{rest:02}s" if minutes else f"~{rest}s"


def wait_seconds(blocked: Maybe[int]) -> Any:
    """The same in seconds; None without a reason among the warnings where the goroutine does not wait."""
    if isinstance(blocked, Absent):
        return None if blocked.kind == NOT_APPLICABLE else blocked
    return round(blocked / _NS, 3)
