"""Tells how far long work has come, to somebody who may be waiting for it."""

from __future__ import annotations

import time
from typing import Callable

Progress = Callable[[int, int], None]  # how many functions of how many
_PATIENCE = 1.0  # seconds before the first line, and between lines a fifth of it


def no_progress(done: int, total: int) -> None:
    """For those who do not want to know."""


class ProgressLine:
    """Says "what: 40 %" from time to time; called with how much is done, of how much."""

    def __init__(self, what: str, say: Callable[[str], None]) -> None:
        self._what, self._say = what, say
        self._next = time.monotonic() + _PATIENCE
        self._said = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next and total:
            self._next = now + _PATIENCE / 5
            self._said = True
            self._say(f"{self._what}: {100 * done // total} %")

    def end(self) -> None:
        """Take the line away."""
        if self._said:
            self._say("")
