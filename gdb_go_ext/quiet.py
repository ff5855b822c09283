"""Calls into gdb without the warnings that gdb would print meanwhile."""

from __future__ import annotations

from typing import Any, Callable, List, TypeVar

import gdb

_T = TypeVar("_T")
_jobs: List[Callable[[], None]] = []


def quietly(function: Callable[[], _T]) -> _T:
    """What `function` returns or raises; what gdb prints to either stream while it runs is dropped.

    gdb redirects its streams only around the text of a command, so a command has to make the call.
    """
    answers: List[_T] = []
    errors: List[BaseException] = []

    def job() -> None:
        try:
            answers.append(function())
        except BaseException as error:
            errors.append(error)

    _jobs.append(job)
    gdb.execute(f"python __import__({__name__!r}, fromlist=['run']).run()", to_string=True)
    if errors:
        raise errors[0]
    return answers[0]


def run(*_: Any) -> None:
    """The other half of `quietly`."""
    _jobs.pop()()
