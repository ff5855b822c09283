"""Settings of the program's GODEBUG, as the runtime parsed them.

Source: Go 1.27 runtime/runtime1.go (debug, dbgvars).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import GoxrayError, ReadError

if TYPE_CHECKING:
    from ..session import Session


def traceback_labels(session: Session) -> bool:
    """Whether tracebacks show goroutine labels: GODEBUG=tracebacklabels, on by default since Go 1.27.

    False where it cannot be told, as in the versions that have no such setting.
    """
    kind = session.layout.structs.get("runtime.debug")
    if kind is None or "tracebacklabels" not in kind:
        return False
    offset = kind.offset("tracebacklabels")

    def is_setting(address: int) -> bool:
        try:
            return session.memory.u32(address + offset) in (0, 1)
        except ReadError:
            return False

    try:
        return session.memory.u32(session.globals.find("runtime.debug", is_setting) + offset) == 1
    except GoxrayError:
        return False
