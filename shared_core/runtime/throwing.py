"""The goroutines whose thread is going down in a fatal error: their tracebacks hide nothing at any level.

Source: Go 1.27 runtime/traceback.go (showframe, goroutineheader, traceback2), runtime/runtime2.go (m.throwing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, NamedTuple

from ..errors import GoxrayError

if TYPE_CHECKING:
    from ..session import Session


class Throwing(NamedTuple):
    """Addresses of g: `shown` have all their frames printed, `exposed` their g, M and stack addresses too."""

    shown: FrozenSet[int]
    exposed: FrozenSet[int]


def throwing(session: Session) -> Throwing:
    """What the Ms in an error of the runtime itself (throwTypeRuntime; a fatal signal is one) were at."""
    shown, exposed = set(), set()
    kind, error = session.layout.struct("runtime.m"), _runtime_error(session)
    for machine in session.world.machines:
        try:
            if session.memory.u32(machine.address + kind.offset("throwing")) >= error:
                exposed.add(machine.curg)
                shown |= {machine.curg, session.memory.u64(machine.address + kind.offset("caughtsig"))}
        except GoxrayError:
            continue
    return Throwing(frozenset(shown), frozenset(exposed))


def _runtime_error(session: Session) -> int:
    """throwTypeRuntime; a number that no M has where the layout does not tell."""
    types = session.layout.numbers("throw_types") if "throw_types" in session.layout.enums else {}
    return types.get("runtime", 1 << 32)
