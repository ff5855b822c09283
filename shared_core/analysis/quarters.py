"""The quarters that waits are sorted by: channel, network poll, system call, runtime and collector; and the rest.

A status and a wait reason tell, but for one reason that locks share with the runtime's own semaphores.

Source: Go 1.27 runtime/runtime2.go (waitReason), runtime/sema.go (semacquire1).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Dict, Iterable, List, Optional, Tuple

from ..errors import Maybe
from ..runtime.channels import RECEIVE, SEND
from ..runtime.goroutine import Goroutine
from ..runtime.locks import RUNTIME, Locks

if TYPE_CHECKING:
    from ..session import Session

CHANNEL, NETWORK, SYSCALL, GC = "channel", "network poll", "system call", "runtime/GC"
LOCKS, TIMER, BUSY = "lock", "timer", "running or runnable"
QUARTERS = (CHANNEL, NETWORK, SYSCALL, GC, LOCKS, TIMER, BUSY)

# Wait reasons by their constants' names.
CHANNEL_REASONS = {
    "chan_receive": RECEIVE, "chan_send": SEND, "select": "",
    "synctest_chan_receive": RECEIVE, "synctest_chan_send": SEND, "synctest_select": "",
}  # fmt: skip
NIL_REASONS = {"chan_receive_nil_chan": RECEIVE, "chan_send_nil_chan": SEND, "select_no_cases": ""}
LOCK_REASONS = ("semacquire", "sync_mutex_lock", "sync_rw_mutex_r_lock", "sync_rw_mutex_lock") + (
    *("sync_wait_group_wait", "synctest_wait_group_wait"),
)
COND_REASON, SLEEP_REASON, POLL_REASON = "sync_cond_wait", "sleep", "io_wait"
_SHARED = "semacquire"  # the runtime's own semaphores have no other reason
_BY_REASON = {
    **dict.fromkeys((*CHANNEL_REASONS, *NIL_REASONS), CHANNEL),
    **dict.fromkeys((*LOCK_REASONS, COND_REASON), LOCKS),
    SLEEP_REASON: TIMER,
    POLL_REASON: NETWORK,
}


class Quarters:
    """Sorts the goroutines of one stopped program; what many have in common is judged once."""

    def __init__(self, session: Session, locks: Optional[Locks] = None) -> None:
        self._locks = locks or Locks(session)
        self._names = session.layout.enums.get("wait_reason_names", {})
        self._known: Dict[Tuple[Maybe[str], int], str] = {}

    def reason(self, goroutine: Goroutine) -> str:
        """Its wait reason by the constant's name; "" where that is not known."""
        return self._names.get(goroutine.raw.wait_reason, "")

    def of(self, goroutine: Goroutine) -> str:
        """One of QUARTERS."""
        key = (goroutine.condition.status, goroutine.raw.wait_reason)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._judge(goroutine)
        return found or (GC if self._locks.kind(goroutine) == RUNTIME else LOCKS)

    def _judge(self, goroutine: Goroutine) -> str:
        """By status and reason; "" where the stack must tell."""
        status, reason = goroutine.status, self.reason(goroutine)
        if status == "syscall":
            return SYSCALL
        if status not in ("waiting", "leaked"):
            return BUSY
        return "" if reason == _SHARED else _BY_REASON.get(reason, GC)

    def count(self, goroutines: List[Goroutine]) -> Dict[str, int]:
        """How many are in which."""
        return ordered(map(self.of, goroutines))


def ordered(quarters: Iterable[str]) -> Dict[str, int]:
    """Their counts, in the order of QUARTERS, none left out."""
    counts = Counter(quarters)
    return {quarter: counts[quarter] for quarter in QUARTERS}
