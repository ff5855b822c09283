"""`set go-debug on`, `set go-force on` and `set go-auto-load-symbols on`."""

from __future__ import annotations

from typing import Callable, Dict, Optional

import gdb

from . import autoload

_MEANINGS = {
    "go-debug": (
        "whether errors of the go- commands come with a Python traceback",
        "For reports about goxray itself. Off by default: an error is then one line.",
    ),
    "go-auto-load-symbols": (
        "whether symbols are rebuilt for every stripped Go program that gdb opens",
        "As go-load-symbols does it. Off by default.",
    ),
    "go-force": (
        "whether an executable is believed although the memory says that another one ran",
        "Answers may then be wrong. Off by default: such a file is refused, with both build ids.",
    ),
}


class _Switch(gdb.Parameter):  # type: ignore[misc]
    """A parameter that is on or off, and off by default."""

    def __init__(self, name: str, changed: Optional[Callable[[bool], None]] = None) -> None:
        self._changed = changed
        meaning, self.__doc__ = _MEANINGS[name]
        self.set_doc = f"Set {meaning}."
        self.show_doc = f"Show {meaning}."
        super().__init__(name, gdb.COMMAND_MAINTENANCE, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self) -> str:
        if self._changed is not None:
            self._changed(bool(self.value))
        return ""

    def get_show_string(self, value: str) -> str:
        return f"{self.show_doc[5:6].upper()}{self.show_doc[6:-1]}: {value}."


_registered: Dict[str, _Switch] = {}


def register() -> None:
    """Register the parameters."""
    changed = {"go-auto-load-symbols": autoload.switch}
    _registered.update({name: _Switch(name, changed.get(name)) for name in _MEANINGS})


def debugging() -> bool:
    """Whether the user has said `set go-debug on`."""
    return _is_on("go-debug")


def forcing() -> bool:
    """Whether the user has said `set go-force on`."""
    return _is_on("go-force")


def _is_on(name: str) -> bool:
    return name in _registered and bool(_registered[name].value)
