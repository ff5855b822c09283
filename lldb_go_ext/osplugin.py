"""The goroutines of a process among lldb's threads: what the operating-system plug-in answers.

lldb asks while it makes its list of threads, on a thread of its own: until that is done nothing here may ask for the
list. The program is therefore looked at through a Session that has no other user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from shared_core.errors import GoxrayError

from . import process as processes
from . import registers, switches
from .goroutines import WISH
from .target import LldbTarget
from .threads import of_process

if TYPE_CHECKING:
    from shared_core.commands.threadlist import GoroutineThread
    from shared_core.runtime.goroutine import Goroutine
    from shared_core.session import Session
    from shared_core.target import Thread

# lldb's thread ids of goroutines begin beyond any that Linux gives (2^22); IDEs want them small.
_FIRST_ID = 1_000_000_000
_MAX_BESIDES = 1_000

Info = Dict[str, Any]


class _Target(LldbTarget):
    """One that shows no thread while lldb has no list of them."""

    listing = False

    def _kind(self) -> str:
        return processes.kind_of_existing(self._process)

    def _view(self) -> Tuple[Any, ...]:
        return self._process.GetStopID(True), self._target.GetNumModules()

    def threads(self) -> List[Thread]:
        return [] if self.listing else of_process(self._process, self.arch, chosen=0)


class Goroutines:
    """Those of one process. limit: how many are shown, besides those that were selected by their ids.

    trouble: why there are none; more: whether there are more than are shown.
    """

    def __init__(self, process: Any, limit: int) -> None:
        self._process = process
        self._session: Optional[Session] = None
        self._target: Optional[_Target] = None
        self._shown: Dict[int, Goroutine] = {}  # by lldb's thread id
        self._ids: Dict[int, Tuple[str, int]] = {}  # goid -> the state it is shown in, lldb's thread id
        self._besides: List[int] = []
        self._stop = 0
        self._said = False
        self._limit = limit
        self.trouble = ""
        self.more = False

    def threads(self) -> List[Info]:
        """What get_thread_info of the plug-in returns; nothing where there is an error, which is kept."""
        listed: List[Info] = []
        try:
            listed = self._threads()
        except (Exception, KeyboardInterrupt) as error:
            self._fail(error)
        finally:
            self._listed()
        return listed

    def _threads(self) -> List[Info]:
        self._shown, ids, self._ids = {}, self._ids, {}
        self.trouble = ""
        session = self._current(listing=True)
        from shared_core.commands.threadlist import listed

        found, self.more = listed(session, self._limit, self._besides)
        if self.more and self._limit and not WISH.quiet and not self._said:
            self._said = True
            self._say(self.how_many())
        return [self._info(each, ids.get(each.goroutine.id)) for each in found]

    def _listed(self) -> None:
        """The threads are there from now on: what was learnt without them is not kept."""
        if self._target is not None and self._session is not None:
            self._target.listing = False
            self._session.invalidate()

    def _current(self, listing: bool = False) -> Session:
        """The Session, with nothing in it from before the last stop. GoxrayError where there is no Go program."""
        stop = self._process.GetStopID(True)
        if self._session is None or self._target is None:
            from shared_core.session import Session

            self._target = _Target(self._process.GetTarget())
            self._session = Session(self._target, force=switches.is_on("go-force"))
        elif stop != self._stop:
            # What was selected is so until the program moves.
            self._besides = []
            self._target.forget()
            self._session.invalidate()
        self._stop, self._target.listing = stop, listing
        return self._session

    def _info(self, each: GoroutineThread, before: Optional[Tuple[str, int]]) -> Info:
        """lldb keeps the name and queue of a thread id, so a goroutine takes its other id when its state changes."""
        first = _FIRST_ID + 2 * each.goroutine.id
        tid = first
        if before is not None:
            tid = before[1] if before[0] == each.state else 2 * first + 1 - before[1]
        self._shown[tid] = each.goroutine
        self._ids[each.goroutine.id] = (each.state, tid)
        return {"tid": tid, "name": each.name, "queue": each.state, "state": "stopped", "stop_reason": "none"}

    def thread(self, tid: int) -> Optional[Info]:
        """What create_thread of the plug-in returns: for a goroutine that is not among those shown."""
        try:
            from shared_core.commands.threadlist import of

            goroutine = self._current().world.goroutine((tid - _FIRST_ID) // 2)
            return self._info(of(goroutine), None) if goroutine is not None else None
        except (Exception, KeyboardInterrupt) as error:
            self._fail(error)
            return None

    def show(self, goid: int) -> Any:
        """The SBThread of a goroutine, put among the shown ones if it was not; an invalid one where lldb has none."""
        if goid in self._ids:
            return self._process.GetThreadByID(self._ids[goid][1])
        self._besides = [*self._besides[1 - _MAX_BESIDES :], goid]
        return self._process.CreateOSPluginThread(_FIRST_ID + 2 * goid, 0)

    def register_info(self) -> Info:
        """What get_register_info of the plug-in returns."""
        return registers.info(self._process)

    def register_data(self, tid: int) -> bytes:
        """What get_register_data of the plug-in returns; nothing for a stack that is lost."""
        goroutine = self._shown.get(tid)
        try:
            from shared_core.commands.threadlist import registers as known

            values = known(self._current(), goroutine) if goroutine is not None else None
            return registers.data(*values) if values is not None else b""
        except (Exception, KeyboardInterrupt) as error:
            self._fail(error)
            return b""

    def goid(self, tid: int) -> Optional[int]:
        """The id of the goroutine that lldb's thread id stands for; None for a real thread's."""
        goroutine = self._shown.get(tid)
        return goroutine.id if goroutine is not None else None

    def real(self, tid: int) -> int:
        """`tid`, or that of the thread which has the goroutine's registers; 0 where none has."""
        goroutine = self._shown.get(tid)
        if goroutine is None:
            return tid
        from shared_core.runtime.saved import thread_of

        try:
            return thread_of(self._current(), goroutine) or 0
        except GoxrayError:
            return 0

    def how_many(self) -> str:
        """For the user: which goroutines are shown."""
        if self.trouble:
            return f"no goroutine is shown as a thread: {self.trouble}"
        if self.more:
            another = "`go-threads-plugin on --limit N` for another number"
            return f"the first {self._limit:,} goroutines are shown as threads, there are more ({another})"
        if self._limit == 0:
            return "goroutines are shown as threads only while they are selected"
        return f"{len(self._shown):,} goroutine{'s are' if len(self._shown) != 1 else ' is'} shown as threads"

    def _fail(self, error: BaseException) -> None:
        self.trouble = " ".join((str(error) if isinstance(error, GoxrayError) else repr(error)).split())
        if not isinstance(error, GoxrayError) and switches.is_on("go-debug"):
            import traceback

            self._say(traceback.format_exc())

    def _say(self, text: str) -> None:
        """To where lldb itself writes; Python's own streams may lead nowhere here."""
        place = self._process.GetTarget().GetDebugger().GetErrorFile()
        place.Write(f"goxray: {text}\n".encode())
        place.Flush()
