"""Which processes show goroutines among their threads, and which of lldb's threads are such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from .osplugin import Goroutines

_MAX_PROCESSES = 16


class Wish:
    """How goroutines are to be shown where they are not yet. limit: None for as many as usual; quiet: not a word."""

    limit: Optional[int] = None
    quiet = False


WISH = Wish()
_known: Dict[int, Goroutines] = {}


def begin(process: Any) -> Goroutines:
    """lldb has loaded the plug-in for this process, which may have no state yet and is not to be asked for threads."""
    from shared_core.commands.threadlist import DEFAULT_LIMIT

    from .osplugin import Goroutines

    number = process.GetUniqueID()
    end(process)
    for gone in list(_known)[: 1 - _MAX_PROCESSES]:
        del _known[gone]
    found = _known[number] = Goroutines(process, DEFAULT_LIMIT if WISH.limit is None else WISH.limit)
    return found


def end(process: Any) -> None:
    """lldb has let go of the plug-in."""
    _known.pop(process.GetUniqueID(), None)


def of(process: Any) -> Optional[Goroutines]:
    """Those of the process; None where they are not among its threads."""
    return _known.get(process.GetUniqueID()) if _known and process.IsValid() else None


def goid(process: Any, tid: int) -> Optional[int]:
    """The id of the goroutine that the thread of lldb's stands for; None for a real one."""
    known = of(process)
    return known.goid(tid) if known is not None else None


def real(process: Any, tid: int) -> int:
    """`tid`, or that of the real thread which has the goroutine's registers; 0 where none has."""
    known = of(process)
    return known.real(tid) if known is not None else tid
