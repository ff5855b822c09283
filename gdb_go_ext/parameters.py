"""`set go-debug on`: Python tracebacks for errors inside goxray."""

from __future__ import annotations

from typing import List

import gdb


class GoDebug(gdb.Parameter):  # type: ignore[misc]
    """Whether errors of the go- commands come with a Python traceback.

    For reports about goxray itself. Off by default: an error is then one line."""

    set_doc = "Set whether errors of the go- commands come with a Python traceback."
    show_doc = "Show whether errors of the go- commands come with a Python traceback."

    def __init__(self) -> None:
        super().__init__("go-debug", gdb.COMMAND_MAINTENANCE, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"Python tracebacks for errors of the go- commands are {value}."


_registered: List[GoDebug] = []


def register() -> None:
    """Register the parameters."""
    _registered.append(GoDebug())


def debugging() -> bool:
    """Whether the user has said `set go-debug on`."""
    return bool(_registered and _registered[0].value)
