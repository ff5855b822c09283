"""What `go-goroutine ID select`, `go-goroutine ID -- COMMAND` and `go-goroutine 0` ask a debugger for."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..errors import UserError

COMMAND = "go-goroutine"
_SELECT, _APPLY = "select", "--"


class Asked(NamedTuple):
    """goid: 0 for the thread's own frames again. command: the debugger's own, to run there; None to stay there."""

    goid: int
    command: Optional[str] = None


def asked(argument: str) -> Optional[Asked]:
    """What the words after `go-goroutine` ask for; None where they are the command's own. UserError on nonsense."""
    words = argument.split(None, 2)
    if words == ["0"]:
        return Asked(0)
    if len(words) == 2 and words[1] == _SELECT:
        return Asked(_number(words[0]))
    if len(words) > 1 and words[1] == _APPLY:
        goid, command = _number(words[0]), words[2] if len(words) == 3 else ""
        if not command.strip():
            raise UserError("no command after --")
        return Asked(goid, command)
    return None


def _number(word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise UserError(f"{word} is no goroutine's id") from None
