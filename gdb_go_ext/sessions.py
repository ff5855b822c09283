"""One Session per inferior, told when the program moves and dropped when it becomes another program."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any, Dict, Set, Tuple

import gdb

from shared_core.errors import UserError

from . import inferior as inferiors
from . import parameters

if TYPE_CHECKING:
    from shared_core.session import Session

    from .target import GdbTarget

Key = Tuple[Any, ...]

_MOVES = ("stop", "cont", "memory_changed", "register_changed", "inferior_call", "new_objfile")
_REPLACES = ("exited", "clear_objfiles")


class Sessions:
    """The sessions of this gdb, by inferior number."""

    def __init__(self) -> None:
        self._kept: Dict[int, Tuple[Key, Session, GdbTarget]] = {}
        self._moved: Set[int] = set()
        _connect(_MOVES, self.moved)
        _connect(_REPLACES, self.drop)
        _connect(("inferior_deleted",), self.drop)
        _connect(("gdb_exiting",), _leave_as_it_is)

    def current(self) -> Session:
        """The Session of the selected inferior; UserError when there is no program or it is running."""
        inferior = gdb.selected_inferior()
        _check_ready(inferior)
        key = _key(inferior)
        kept = self._kept.get(inferior.num)
        if kept is not None and kept[0] == key:
            return self._up_to_date(inferior.num)
        from shared_core.session import Session

        from .target import GdbTarget

        target = GdbTarget(inferior)
        session = Session(target, target.remarks(), parameters.forcing())
        self._kept[inferior.num] = (key, session, target)
        self._moved.discard(inferior.num)
        return session

    def _up_to_date(self, number: int) -> Session:
        """The kept session, with nothing in it from before the last move.

        Not done in the event itself: gdb sends some while memory cannot be read, and many in a single `next`.
        """
        _, session, target = self._kept[number]
        # gdb tells nobody that the user has selected another thread.
        if number in self._moved or target.selected != inferiors.selected():
            self._moved.discard(number)
            target.forget()
            session.invalidate()
        return session

    def moved(self, _event: object = None) -> None:
        """The program has moved, or the user has changed it."""
        self._moved.update(self._kept)

    def drop(self, _event: object = None) -> None:
        """Forget the programs themselves."""
        self._kept.clear()
        self._moved.clear()


def _leave_as_it_is(_event: object) -> None:
    """gdb ends, and Python's last look for cycles among a million objects would keep the user waiting."""
    gc.freeze()
    gc.disable()


def _connect(names: Tuple[str, ...], handler: Any) -> None:
    """Connect `handler` to those of the events that this gdb has."""
    for name in names:
        registry = getattr(gdb.events, name, None)
        if registry is not None:
            registry.connect(handler)


def _check_ready(inferior: Any) -> None:
    if not inferiors.executable(inferior) and not inferior.pid:
        raise UserError("no program: load one with `file`, `core-file`, `attach` or `run`")
    thread = inferiors.selected_thread()
    if thread is not None and thread.is_running():
        raise UserError("the program is running: stop it first (`interrupt`)")


def _key(inferior: Any) -> Key:
    """What tells one program from another where gdb has no event for the change, as with `core-file`."""
    path = inferiors.executable(inferior)
    kind = inferiors.kind(inferior)
    stamp = _stamp(path) if kind == "file" else None
    place = (inferior.pid, kind, inferiors.connection_number(inferior))
    return (*place, path, inferiors.architecture(inferior), stamp, parameters.forcing())


def _stamp(path: Any) -> Any:
    """When the file changed last: gdb may read one that was built anew."""
    try:
        status = os.stat(path)
    except (OSError, TypeError):
        return None
    return status.st_mtime_ns, status.st_size


SESSIONS = Sessions()
