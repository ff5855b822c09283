"""Cores in worker processes, a few at a time: each has its time and its memory, and what it breaks is its own."""

from __future__ import annotations

import os
import resource
import signal
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from .look import look
from .model import CoreAnswer, Wanted

_GRACE = 10  # seconds of processor time beyond --timeout, after which the kernel ends a worker that nobody waits for

_ENDS = (signal.SIGINT, signal.SIGTERM)


class _Running(NamedTuple):
    number: int
    process: BaseProcess
    end: float


def default_jobs() -> int:
    """As many as there are processors for this process."""
    return max(1, len(os.sched_getaffinity(0)))


def look_at_all(
    cores: Sequence[str], wanted: Wanted, jobs: int, look_at: Callable[[str, Wanted], CoreAnswer] = look
) -> List[CoreAnswer]:
    """An answer for each core, in their order; never more than `jobs` processes, each for one core.

    look_at: what a worker runs; tests put something worse in its place.
    """
    # A fork has all modules at hand; there are no threads here that it could cut off.
    context = get_context("fork")
    found: Dict[int, CoreAnswer] = {}
    running: Dict[Connection, _Running] = {}
    waiting = list(enumerate(cores))[::-1]
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, core = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(theirs, core, wanted, look_at), daemon=True)
                # One that is started and not yet in the list nobody would end.
                signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
                process.start()
                running[ours] = _Running(number, process, time.monotonic() + wanted.timeout)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
                theirs.close()
            _wait(running, cores, wanted, found)
    finally:
        for connection, each in running.items():
            _end(connection, each.process)
    return [found[number] for number in range(len(cores))]


def _wait(
    running: Dict[Connection, _Running], cores: Sequence[str], wanted: Wanted, found: Dict[int, CoreAnswer]
) -> None:
    """Until one of them has answered, has died or is late; those are taken out."""
    now = time.monotonic()
    first = min(each.end for each in running.values())
    ready = wait(list(running), max(0.0, first - now))
    now = time.monotonic()
    for connection, each in list(running.items()):
        if connection in ready:
            found[each.number] = _answer(connection, each.process, cores[each.number])
        elif now >= each.end:
            found[each.number] = _failed(cores[each.number], f"it took longer than {wanted.timeout:g} s (--timeout)")
            found[each.number].seconds = wanted.timeout
        else:
            continue
        del running[connection]
        _end(connection, each.process)


def _answer(connection: Connection, process: BaseProcess, core: str) -> CoreAnswer:
    try:
        answer = connection.recv()
        assert isinstance(answer, CoreAnswer)
        return answer
    except (EOFError, OSError):
        process.join(_GRACE)
        return _failed(core, f"its worker ended with {_ending(process.exitcode)}")


def _ending(code: Optional[int]) -> str:
    if code is None or code >= 0:
        return f"status {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"{name} (is the machine out of memory?)" if name == "SIGKILL" else name


def _failed(core: str, why: str) -> CoreAnswer:
    return CoreAnswer(core, error=why)


def _end(connection: Connection, process: BaseProcess) -> None:
    connection.close()
    process.kill()
    process.join()
    process.close()


def _work(connection: Connection, core: str, wanted: Wanted, look_at: Callable[[str, Wanted], CoreAnswer]) -> None:
    """In the worker: ctrl-C is the parent's affair; should that one be killed, time ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    # Mapped files do not count: the core itself may have any size.
    _limit(resource.RLIMIT_DATA, wanted.memory)
    _limit(resource.RLIMIT_CPU, int(wanted.timeout) + _GRACE)
    _limit(resource.RLIMIT_CORE, 0)
    connection.send(look_at(core, wanted))
    connection.close()


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
