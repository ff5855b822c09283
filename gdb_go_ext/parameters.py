"""`set go-debug on` and `set go-force on`."""

from __future__ import annotations

from typing import Dict

import gdb

_MEANINGS = {
    "go-debug": (
        "whether errors of the go- commands come with a Python traceback",
        "For reports about goxray itself. Off by default: an error is then one line.",
    ),
    "go-force": (
        "whether an executable is believed although the memory says that another one ran",
        "Answers may then be wrong. Off by default: such a file is refused, with both build ids.",
    ),
}


class _Switch(gdb.Parameter):  # type: ignore[misc]
    """A parameter that is on or off, and off by default."""

    def __init__(self, name: str) -> None:
        meaning, self.__doc__ = _MEANINGS[name]
        self.set_doc = f"Set {meaning}."
        self.show_doc = f"Show {meaning}."
        super().__init__(name, gdb.COMMAND_MAINTENANCE, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"{self.show_doc[5:6].upper()}{self.show_doc[6:-1]}: {value}."


_registered: Dict[str, _Switch] = {}


def register() -> None:
    """Register the parameters."""
    _registered.update({name: _Switch(name) for name in _MEANINGS})


def debugging() -> bool:
    """Whether the user has said `set go-debug on`."""
    return _is_on("go-debug")


def forcing() -> bool:
    """Whether the user has said `set go-force on`."""
    return _is_on("go-force")


def _is_on(name: str) -> bool:
    return name in _registered and bool(_registered[name].value)
