"""What --with and --without ask of a goroutine, and the older options that ask the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, UserError
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine
from ..runtime.unwind import Stop
from .symbols import compile_pattern

if TYPE_CHECKING:
    from ..session import Session

# Absent: it cannot be told, so the goroutine is neither with nor without it.
Test = Callable[[Goroutine], Maybe[bool]]


class Predicates:
    """Makes the tests of one stopped program; each raises UserError for a value that makes no sense."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._world = session.world

    def make(self, kind: str, value: Optional[str]) -> Test:
        """The test called `kind`, of `value` where it takes one."""
        if kind in _PLAIN:
            if value is not None:
                raise UserError(f"{kind} takes no value: {value!r}")
            return _PLAIN[kind](self)
        if kind not in _VALUED:
            raise UserError(f"no such condition {kind!r}; there are: {', '.join(KINDS)}")
        if value is None:
            raise UserError(f"{kind} wants a value")
        return _VALUED[kind](self, value)

    def user(self) -> Test:
        """isSystemGoroutine says no."""
        system = self._world.system
        return lambda g: g.address not in system

    def system(self) -> Test:
        system = self._world.system
        return lambda g: g.address in system

    def running(self) -> Test:
        """On a thread, as Delve has it: running, or in a system call."""
        return lambda g: bool(g.raw.m)

    def label(self, value: str) -> Test:
        """KEY, or KEY=VALUE, exactly."""
        key, equals, wanted = value.partition("=")
        labels = self._world.labels.of

        def test(goroutine: Goroutine) -> Maybe[bool]:
            found = labels(goroutine.raw)
            if isinstance(found, Absent):
                return found
            return found.get(key) == wanted if equals else key in found

        return test

    def status(self, value: str) -> Test:
        known = sorted(set(self._world.reader.statuses.values()))
        wanted = value.lower()
        if wanted not in known:
            raise UserError(f"no goroutine status {value!r}; there are: {', '.join(known)}")

        def test(goroutine: Goroutine) -> Maybe[bool]:
            found = goroutine.status
            return found if isinstance(found, Absent) else found == wanted

        return test

    def reason(self, value: str) -> Test:
        """The wait reason holds this text, whatever the case."""
        wanted = value.lower()

        def test(goroutine: Goroutine) -> Maybe[bool]:
            found = goroutine.wait_reason
            if isinstance(found, Absent):
                return False if found.kind == NOT_APPLICABLE else found
            return wanted in found.lower()

        return test

    def function(self, value: str) -> Test:
        """A function on the stack matches, an inlined one too."""
        pattern, stacks = compile_pattern(value), self._world.stacks
        known: Dict[Tuple[int, ...], Maybe[bool]] = {}

        def on_stack(goroutine: Goroutine) -> Maybe[bool]:
            pcs = stacks.steps.pcs(goroutine)
            if pcs is None:
                return walked(goroutine)
            found = known.get(pcs)
            if found is None:
                found = known[pcs] = walked(goroutine)
            return found

        def walked(goroutine: Goroutine) -> Maybe[bool]:
            for frame in stacks.frames(goroutine):
                if isinstance(frame, Stop):
                    return Absent(UNREADABLE, frame.reason)
                if pattern.search(frame.function):
                    return True
            return False

        return on_stack

    def start(self, value: str) -> Test:
        """The function that it began with, or the file and line of that, matches."""
        matches = _matcher(value)
        return self._by_place(lambda g: g.raw.startpc, self._world.entry_at, matches)

    def start_text(self, value: str) -> Test:
        return self._by_place(lambda g: g.raw.startpc, self._world.entry_at, _holder(value))

    def creator(self, value: str) -> Test:
        """The function with the `go` statement, or the statement's file and line, matches."""
        return self._by_place(_gopc, self._world.code_at, _matcher(value))

    def creator_text(self, value: str) -> Test:
        return self._by_place(_gopc, self._world.code_at, _holder(value))

    def user_text(self, value: str) -> Test:
        """Delve's: the text is in "FILE:LINE in FUNCTION" of the first frame of the user's."""
        holds, place = _holder(value), self._world.stacks.users.place
        known: Dict[Place, bool] = {}

        def test(goroutine: Goroutine) -> Maybe[bool]:
            at = place(goroutine)
            if isinstance(at, Absent):
                return at
            found = known.get(at)
            if found is None:
                found = known[at] = holds(at.function, at.file, at.line)
            return found

        return test

    def current_text(self, value: str) -> Test:
        """The same of the innermost frame."""
        holds, stacks = _holder(value), self._world.stacks

        def test(goroutine: Goroutine) -> Maybe[bool]:
            frame = next(iter(stacks.frames(goroutine)), None)
            if frame is None or isinstance(frame, Stop):
                return Absent(UNREADABLE, frame.reason if frame else "it has no frame")
            return holds(frame.function, frame.file, frame.line)

        return test

    def min_wait(self, least: int) -> Test:
        """It has been blocked for `least` ns at least, as far as the runtime has noted it."""
        blocked_for = self._world.blocked_for

        def test(goroutine: Goroutine) -> Maybe[bool]:
            found = blocked_for(goroutine)
            if isinstance(found, Absent):
                return False if found.kind == NOT_APPLICABLE else found
            return found >= least

        return test

    def _by_place(
        self, pc_of: Callable[[Goroutine], int], look_up: Callable[[int], Any], matches: Callable[..., bool]
    ) -> Test:
        known: Dict[int, Maybe[bool]] = {0: False}  # nobody started it

        def test(goroutine: Goroutine) -> Maybe[bool]:
            pc = pc_of(goroutine)
            found = known.get(pc)
            if found is None:
                place = look_up(pc)
                found = known[pc] = matches(*place) if place else Absent(UNREADABLE, f"{pc:#x} is in no Go function")
            return found

        return test


def _gopc(goroutine: Goroutine) -> int:
    """0 for the main goroutine: the runtime's own code starts it."""
    return 0 if goroutine.raw.goid == 1 else int(goroutine.raw.gopc)


def _matcher(value: str) -> Callable[[str, str, int], bool]:
    search = compile_pattern(value).search
    return lambda function, file, line: bool(search(function) or search(f"{file}:{line}"))


def _holder(value: str) -> Callable[[str, str, int], bool]:
    return lambda function, file, line: value in f"{file}:{line} in {function}"


_PLAIN: Dict[str, Callable[[Predicates], Test]] = {
    "user": Predicates.user, "system": Predicates.system, "running": Predicates.running,
}  # fmt: skip
_VALUED: Dict[str, Callable[[Predicates, str], Test]] = {
    "label": Predicates.label, "func": Predicates.function, "start": Predicates.start, "creator": Predicates.creator,
    "reason": Predicates.reason, "status": Predicates.status,
    # Delve's (Documentation/cli, goroutines): texts in places.
    "userloc": Predicates.user_text, "curloc": Predicates.current_text, "goloc": Predicates.creator_text,
    "startloc": Predicates.start_text,
}  # fmt: skip
KINDS: Tuple[str, ...] = (*_PLAIN, *_VALUED)
