"""Holding a process still while it is read, by SIGSTOP, and letting it go on whatever happens to us."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import Iterator

from ..errors import UserError
from . import procfs

_PATIENCE = 5.0  # seconds; a thread deep in the kernel stops when its system call ends
_STOPPED = ("T", "t", "Z", "X", "")


@contextmanager
def held_still(pid: int) -> Iterator[None]:
    """All threads of `pid` are stopped inside; one that was stopped already stays so. UserError without the right.

    A child process lets it go when we end, however we end: it waits for our end of a pipe to close.
    """
    if procfs.state(pid, pid) in ("T", "t"):
        yield
        return
    process = _opened(pid)
    alive, ours = os.pipe()
    guard = os.fork()
    if not guard:
        os.close(ours)
        _let_go_at_the_end(process, alive)
    os.close(alive)
    try:
        _send(process, signal.SIGSTOP, pid)
        _await_stop(pid)
        yield
    finally:
        os.close(ours)
        os.waitpid(guard, 0)
        os.close(process)


def _opened(pid: int) -> int:
    """A descriptor of the process: its number may go to another one."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        raise UserError(f"process {pid} cannot be stopped: {error.strerror}") from None


def _send(process: int, number: signal.Signals, pid: int) -> None:
    try:
        signal.pidfd_send_signal(process, number)
    except OSError as error:
        raise UserError(f"process {pid} cannot be stopped: {error.strerror}") from None


def _await_stop(pid: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        moving = [tid for tid in procfs.threads(pid) if procfs.state(pid, tid) not in _STOPPED]
        if not moving:
            return
        if time.monotonic() > end:
            raise UserError(
                f"thread {moving[0]} of process {pid} does not stop: it is in an uninterruptible system call"
            )
        time.sleep(0.001)


def _let_go_at_the_end(process: int, alive: int) -> None:
    """The child: never returns."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        os.read(alive, 1)
        signal.pidfd_send_signal(process, signal.SIGCONT)
    finally:
        os._exit(0)
