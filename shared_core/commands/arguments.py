"""Command lines: splitting, parsing with one-line errors, and help text that is the same under every Python."""

from __future__ import annotations

import argparse
import shlex
from typing import List, NoReturn, Sequence, Union

from ..errors import UserError
from .base import Command, add_common

_WIDTH = 88
_COLUMN = 26


class HelpAsked(Exception):
    """--help was given; the text is the help."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UserError instead of printing and leaving the process."""

    def __init__(self, name: str) -> None:
        super().__init__(prog=name, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="store_true", help="print this help")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog}: {message} (see {self.prog} --help)")

    def exit(self, status: int = 0, message: Union[str, None] = None) -> NoReturn:
        raise UserError((message or f"{self.prog}: stopped").strip())


def split(line: str) -> List[str]:
    """`line` cut into words as a shell does; UserError for a quote that is left open."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UserError(f"cannot split the arguments: {str(error).lower()}: {line.strip()}") from None


def parser_of(command: Command) -> Parser:
    """The parser of `command`, its common options included."""
    parser = Parser(command.name)
    command.arguments(parser)
    add_common(parser)
    return parser


def parse(command: Command, words: Sequence[str]) -> argparse.Namespace:
    """The options in `words`; UserError on a wrong one, HelpAsked for --help."""
    parser = parser_of(command)
    if "-h" in words or "--help" in words:
        raise HelpAsked(help_text(command))
    return parser.parse_args(list(words))


def option_strings(command: Command) -> List[str]:
    """Every option of `command`, for completion."""
    return sorted(option for action in actions_of(parser_of(command)) for option in action.option_strings)


def actions_of(parser: argparse.ArgumentParser) -> List[argparse.Action]:
    """The parser's arguments in the order of their declaration."""
    return [action for action in parser._actions if action.help is not argparse.SUPPRESS]


def help_text(command: Command) -> str:
    """The long help: one line, usage, options, details.

    Not argparse's own, whose wording and wrapping differ between versions of Python and between terminals.
    """
    return described(parser_of(command), command.help, command.details)


def described(parser: argparse.ArgumentParser, summary: str, details: str) -> str:
    """The same of a parser that belongs to no command of a debugger's."""
    actions = actions_of(parser)
    lines = [summary, "", *_usage(parser.prog, actions), "", *_option_lines(actions)]
    if details.strip():
        lines += ["", details.strip()]
    return "\n".join(lines) + "\n"


def _usage(name: str, actions: Sequence[argparse.Action]) -> List[str]:
    words = [_usage_word(action) for action in actions]
    lines, current = [], f"Usage: {name}"
    for word in words:
        if len(current) + 1 + len(word) > _WIDTH:
            lines.append(current)
            current = " " * (len("Usage: ") + len(name))
        current += " " + word
    return [*lines, current]


def _usage_word(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    spelled = f"{action.option_strings[0]} {value}".strip()
    return spelled if action.required else f"[{spelled}]"


def _value(action: argparse.Action) -> str:
    """How the value of an argument is shown: "FILE", "[DEPTH]", "[ID ...]", or "" for a switch."""
    if action.nargs == 0:
        return ""
    if action.nargs == "+" and isinstance(action.metavar, tuple):
        return "{} [{}]".format(*action.metavar)
    name = _metavar(action)
    forms = {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}
    return forms.get(str(action.nargs), name)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar:
        return action.metavar
    if action.choices:
        return "|".join(str(choice) for choice in action.choices)
    return action.dest.upper()


def _option_lines(actions: Sequence[argparse.Action]) -> List[str]:
    lines = []
    for action in actions:
        left = "  " + f"{', '.join(action.option_strings)} {_value(action)}".strip()
        text = (action.help or "") % {"default": action.default, "prog": ""} if action.help else ""
        if len(left) + 2 > _COLUMN:
            lines += [left, " " * _COLUMN + text]
        else:
            lines.append(f"{left:{_COLUMN}}{text}".rstrip())
    return lines
