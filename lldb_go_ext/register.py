"""Makes lldb commands of the registry's entries, with help, and keeps the worst status."""

from __future__ import annotations

from typing import Any, Dict, Type

from shared_core.commands import REGISTRY, help_texts, runner, selecting
from shared_core.errors import GoxrayError

from . import switches, threadplugin
from .sessions import SESSIONS


class Status:
    """The worst status so far."""

    worst = 0

    def note(self, status: int) -> None:
        self.worst = max(self.worst, status)


STATUS = Status()


class GoCommand:
    """A command of goxray's; lldb makes an object of it for each debugger."""

    goxray_name = ""
    short_help = ""

    def __init__(self, _debugger: Any, _session: Any) -> None:
        pass

    def __call__(self, debugger: Any, line: str, context: Any, result: Any) -> None:
        """Run with the rest of the line, hand over all output in one go, and note the status."""
        if self.goxray_name == selecting.COMMAND and self._selects(debugger, line, context, result):
            return
        debug = switches.is_on("go-debug")
        outcome = runner.run(lambda: SESSIONS.current(debugger, context), self.goxray_name, line, debug, "go-debug on")
        STATUS.note(outcome.status)
        if outcome.text:
            result.PutCString(_printable(outcome.text))
        if outcome.error:
            result.SetError(_printable(outcome.trace + outcome.error))

    def _selects(self, debugger: Any, line: str, context: Any, result: Any) -> bool:
        """Whether the line asked for a goroutine to be selected, or run a command on, which is done then."""
        try:
            asked = selecting.asked(line)
            if asked is None:
                return False
            from . import select

            select.run(debugger, context, asked, result)
        except GoxrayError as error:
            STATUS.note(2)
            result.SetError(_printable(str(error)))
        return True

    def get_short_help(self) -> str:
        return self.short_help

    def get_long_help(self) -> str:
        """Without the first line, which lldb has shown above it."""
        text = help_texts.TEXTS.get(self.goxray_name, f"\n\nOptions and examples: {self.goxray_name} --help\n")
        return text.partition("\n\n")[2].rstrip("\n")


def _printable(text: str) -> str:
    """`text` as lldb's C strings can hold it."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _classes() -> Dict[str, Type[Any]]:
    """command -> its class; lldb finds them in this module by their names."""
    found: Dict[str, Type[Any]] = {}
    for entry in REGISTRY:
        fields = {"goxray_name": entry.name, "short_help": entry.help}
        found[entry.name] = type(_class_name(entry.name), (GoCommand,), fields)
    for name in switches.MEANINGS:
        found[name] = type(_class_name(name), (switches.Switch,), {"switch": name})
    found[threadplugin.NAME] = threadplugin.ThreadPlugin
    return found


_COMMANDS = _classes()
globals().update({each.__name__: each for each in _COMMANDS.values()})


def register_all(debugger: Any) -> None:
    """Register every command with `debugger`; those that are there already are made anew."""
    import lldb

    interpreter, result = debugger.GetCommandInterpreter(), lldb.SBCommandReturnObject()
    for name, kind in _COMMANDS.items():
        interpreter.HandleCommand(f"command script delete {name}", result)
        interpreter.HandleCommand(f"command script add --class {__name__}.{kind.__name__} {name}", result)
