"""`go-debug on` and `go-force on`: what lldb has no settings for."""

from __future__ import annotations

from typing import Any, Dict

MEANINGS = {
    "go-debug": (
        "Whether errors of the go- commands come with a Python traceback.",
        "For reports about goxray itself. Off by default: an error is then one line.",
    ),
    "go-force": (
        "Whether an executable is believed although the memory says that another one ran.",
        "Answers may then be wrong. Off by default: such a file is refused, with both build ids.",
    ),
}
_on: Dict[str, bool] = {}


def is_on(name: str) -> bool:
    """Whether the user has said `NAME on`."""
    return _on.get(name, False)


class Switch:
    """A command that sets or shows a switch."""

    switch = ""

    def __init__(self, _debugger: Any, _session: Any) -> None:
        pass

    def __call__(self, _debugger: Any, words: str, _context: Any, result: Any) -> None:
        wanted = words.strip()
        if wanted in ("on", "off"):
            _on[self.switch] = wanted == "on"
        elif wanted:
            result.SetError(f'{self.switch}: "on" or "off" expected')
        else:
            result.PutCString(f"{MEANINGS[self.switch][0][:-1]}: {'on' if is_on(self.switch) else 'off'}.\n")

    def get_short_help(self) -> str:
        return MEANINGS[self.switch][0]

    def get_long_help(self) -> str:
        return "\n".join([*MEANINGS[self.switch], "", f"Usage: {self.switch} [on|off]"])
