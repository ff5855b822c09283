"""One Session per target, brought up to date when the program has moved and dropped when it is another program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, List, Optional, Tuple

from shared_core.errors import UserError
from shared_core.target import FILE, LIVE

from . import goroutines, switches
from . import process as processes

if TYPE_CHECKING:
    from shared_core.session import Session

    from .target import LldbTarget

_MAX = 16
Key = Tuple[Any, ...]


class Sessions:
    """The sessions of this lldb, the one that was used last at the end; those of targets that are gone are dropped."""

    def __init__(self) -> None:
        self._kept: List[Tuple[Key, Session, LldbTarget]] = []

    def current(self, debugger: Any, context: Any = None) -> Session:
        """The Session of the command's target; UserError when there is no program or it is running."""
        target = _target(debugger, context)
        process = _ready(target)
        key = _key(target, process)
        found = self._take(key, target)
        if found is not None:
            _up_to_date(*found)
        else:
            from shared_core.session import Session

            from .target import LldbTarget

            adapted = LldbTarget(target)
            found = Session(adapted, adapted.remarks, switches.is_on("go-force")), adapted
        self._kept.append((key, *found))
        found[0].selected_goroutine = _selected_goroutine(process)
        return found[0]

    def _take(self, key: Key, target: Any) -> Optional[Tuple[Session, LldbTarget]]:
        """What is kept for `key`, taken out; anything else that was kept of that target is gone with it."""
        found = next(((s, t) for k, s, t in self._kept if k == key and t.is_of(target)), None)
        self._kept = [each for each in self._kept if each[2].is_alive() and not each[2].is_of(target)][-_MAX:]
        return found


def _up_to_date(session: Session, target: LldbTarget) -> None:
    """Forget what may be from before the last move. lldb does not tell when the user changes memory or registers."""
    if target.forget() or target.kind == LIVE:
        session.invalidate()


def _selected_goroutine(process: Any) -> Optional[int]:
    """The id of the goroutine whose thread the user has selected, where goroutines are threads."""
    return goroutines.goid(process, process.GetSelectedThread().GetThreadID()) if goroutines.of(process) else None


def _target(debugger: Any, context: Any) -> Any:
    """The target that the command is for."""
    target = context.GetTarget() if context is not None else None
    return target if target is not None and target.IsValid() else debugger.GetSelectedTarget()


def _ready(target: Any) -> Any:
    """The target's process, which may be none."""
    process = target.GetProcess() if target.IsValid() else None
    if process is None or (processes.kind(process) == FILE and not processes.executable(target)):
        raise UserError("no program: load one with `target create`, `process attach` or `process launch`")
    if processes.is_running(process):
        raise UserError("the program is running: stop it first (`process interrupt`)")
    return process


def _key(target: Any, process: Any) -> Key:
    """What tells one program from another in the same target."""
    path, kind = processes.executable(target), processes.kind(process)
    which = process.GetUniqueID() if kind != FILE else _stamp(path)
    return (kind, which, path, processes.architecture(target), switches.is_on("go-force"))


def _stamp(path: Any) -> Any:
    """When the file changed last: lldb may read one that was built anew."""
    try:
        status = os.stat(path)
    except (OSError, TypeError):
        return None
    return status.st_mtime_ns, status.st_size


SESSIONS = Sessions()
