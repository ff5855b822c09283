"""The synctest bubble that a goroutine is in.

Sources: Go 1.27 runtime/synctest.go (synctestBubble), runtime/traceback.go (goroutineheader), runtime/runtime2.go
(isIdleInSynctest); Go 1.24 runtime/synctest.go (synctestGroup).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ..errors import NOT_IN_VERSION, UNREADABLE, Absent, Maybe, ReadError
from ..layouts.dialect import Printing
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

# By the names of the wait reasons. Those that occur in bubbles only have "(durable)" in their text already.
_IDLE = frozenset(
    ("chan_receive_nil_chan", "chan_send_nil_chan", "select_no_cases", "sleep", "sync_cond_wait", "coroutine")
    + ("synctest_run", "synctest_wait")
)


def bubble_of(session: Session, goroutine: Goroutine) -> Optional[Maybe[int]]:
    """The number of its bubble; None outside of one."""
    layout, memory = session.layout, session.memory
    g = layout.struct("runtime.g")
    field = next((name for name in ("bubble", "syncGroup") if name in g), None)
    if field is None:
        return None
    try:
        bubble = memory.u64(goroutine.address + g.offset(field))
        if not bubble:
            return None
        kind = layout.structs.get("runtime.synctestBubble")
        if kind is None:
            return Absent(NOT_IN_VERSION, "the layout does not have runtime.synctestBubble")
        if "id" in kind:
            return memory.u64(bubble + kind.offset("id"))
        # Go 1.24 has no number of its own for it, and shows that of the goroutine that called synctest.Run.
        return memory.u64(memory.u64(bubble + kind.offset("root")) + g.offset("goid"))
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


def is_durable(session: Session, goroutine: Goroutine, wording: Printing) -> bool:
    """Whether a header says "(durable)" of this goroutine of a bubble beyond what its state says."""
    reason = session.layout.enums.get("wait_reason_names", {}).get(goroutine.raw.wait_reason)
    if not wording.durable or reason not in _IDLE or goroutine.state.endswith("(durable)"):
        return False
    return wording.durable_always or goroutine.status == "waiting"
