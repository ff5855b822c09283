"""One core: what crashed, which goroutines are stuck for ever, and what of that could not be told."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice
from typing import Dict, List, Optional, Tuple

from ..analysis.crash import NONE as NO_CRASH
from ..analysis.crash import Crash
from ..analysis.holders import Cycle, cycles, holders_of
from ..analysis.leaks import CERTAIN, LEVELS, LIKELY, Leak, Leaks
from ..analysis.quarters import Quarters
from ..analysis.signature import is_own, module_paths, signature
from ..analysis.waits import Waits, all_asleep, waits_of
from ..commands import crash as go_crash
from ..commands.base import Result
from ..errors import GoxrayError
from ..render.crash import text as card_text
from ..render.facts import target_facts
from ..runtime.frames import Place, SourceFrame, display_name, is_user_frame
from ..runtime.goroutine import Goroutine
from ..session import Session
from .model import CRASH, DEADLOCK, EXTERNAL, LEAK, CoreAnswer, Finding, Wanted
from .opening import opened

_DEPTH = 30
_WALKED = 64
_MAX_FINDINGS = 100
_MAX_IDS = 20
_MAX_WARNINGS = 20
_ASLEEP = "concurrency:deadlock"
_DEADLY = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGQUIT", "SIGSYS", "SIGTRAP")


def look(core: str, wanted: Wanted) -> CoreAnswer:
    """What there is to say of one core; what goes wrong is in the answer."""
    answer, started = CoreAnswer(core), time.monotonic()
    try:
        _look(answer, wanted)
    except GoxrayError as error:
        answer.error = " ".join(str(error).split())
    except MemoryError:
        answer.error = f"it took more than {wanted.memory >> 20} MiB of memory (--memory)"
    except Exception as error:
        answer.error = " ".join(f"internal error: {type(error).__name__}: {error}".split())
    answer.seconds = time.monotonic() - started
    return answer


def _look(answer: CoreAnswer, wanted: Wanted) -> None:
    session = opened(answer.core, wanted)
    answer.facts = {}
    with suppress(GoxrayError):
        answer.facts = target_facts(session)[0]
    _crash(session, answer)
    _goroutines(session, answer)
    try:
        _stuck(session, answer, wanted)
    except GoxrayError as error:
        for kind in (DEADLOCK, LEAK):
            answer.problems.setdefault(kind, " ".join(str(error).split()))
    for finding in answer.findings:
        finding.ignored = any(fnmatchcase(finding.rule, pattern) for pattern in wanted.ignore)
        asked = any(kind in wanted.fail_on for kind in finding.kinds)
        finding.failing = asked and not finding.ignored and LEVELS.index(finding.sure) >= LEVELS.index(wanted.sure)
    answer.findings, answer.more = answer.findings[:_MAX_FINDINGS], max(0, len(answer.findings) - _MAX_FINDINGS)
    warnings = list(dict.fromkeys([*session.warnings, *answer.warnings]))
    answer.warnings = warnings[:_MAX_WARNINGS]


def _crash(session: Session, answer: CoreAnswer) -> None:
    try:
        result: Result = go_crash.run(session, Namespace(depth=_DEPTH))
    except GoxrayError as error:
        answer.problems[CRASH] = " ".join(str(error).split())
        return
    card = result.body
    assert isinstance(card, go_crash.CrashCard)
    crash = card.crash
    answer.card = card_text(card)
    answer.crash, answer.labels = crash.label, [label.name for label in crash.labels]
    if crash.label == NO_CRASH:
        answer.problems.update(_unseen_crash(session))
        return
    stack = [] if card.stack is None else card.stack.frames
    kinds = (CRASH, DEADLOCK) if crash.label == _ASLEEP else (CRASH,)
    what = _said(crash)
    detail = [f"{display_name(f.function)} {f.file}:{f.line}" for f in stack]
    # Where a signal from outside comes to is chance.
    place = None if crash.label == EXTERNAL else _place(session, stack)
    answer.findings.append(Finding(kinds, crash.label, *crash.signature, what, CERTAIN, place, 1, detail))


def _unseen_crash(session: Session) -> Dict[str, str]:
    """Why it cannot be told that nothing crashed: there is a crash that the runtime's structures do not show."""
    machines = session.world.machines
    if not machines:
        return {CRASH: "the runtime's threads cannot be told"}
    died = next((thread for thread in session.target.threads() if thread.selected), None)
    known = {machine.thread.tid for machine in machines if machine.thread is not None}
    if died is not None and died.signal in _DEADLY and died.tid not in known:
        return {CRASH: f"thread {died.tid}, which is none that the runtime knows, stopped with {died.signal}"}
    return {}


def _said(crash: Crash) -> str:
    """What the program said, or the best evidence of its class."""
    if isinstance(crash.words, str):
        return f"fatal error: {crash.words}"
    for panic in crash.panics:
        if not panic.goexit and isinstance(panic.message, str):
            return f"panic: {panic.message}"
    return crash.labels[0].why


def _place(session: Session, frames: List[SourceFrame]) -> Optional[Place]:
    """The innermost frame of the program's own modules; of any outside the runtime where it has none there."""
    paths = module_paths(session.program.build_info)
    own = [frame for frame in frames if is_own(frame.function, paths)]
    chosen = own or [frame for frame in frames if is_user_frame(frame.function)] or frames
    return Place(*chosen[0][:3], chosen[0].pc) if chosen else None


def _goroutines(session: Session, answer: CoreAnswer) -> None:
    world = session.world
    users = [each for each in world.goroutines if each.address not in world.system]
    answer.goroutines = len(users)
    answer.quarters = Quarters(session).count(users)
    answer.statuses = dict(Counter(str(each.status or "???") for each in users))
    if world.lost:
        # One of these may be stuck: that none of the others is says little.
        for kind in (DEADLOCK, LEAK):
            answer.problems[kind] = f"{world.lost} goroutine{'s' * (world.lost != 1)} cannot be read"


def _stuck(session: Session, answer: CoreAnswer, wanted: Wanted) -> None:
    waits, holders = waits_of(session), holders_of(session)
    if all_asleep(waits) and answer.crash != _ASLEEP:
        answer.findings.append(_asleep(session, waits))
    answer.findings += [_cycle(session, waits, each) for each in cycles(waits, holders)]
    leaks = Leaks(session, waits, wanted.long, wanted.crowd)
    users = [each for each in session.world.goroutines if each.address not in session.world.system]
    answer.findings += [_leak(session, waits, each) for each in leaks.find(users)]
    answer.warnings += [*waits.problems, *holders.problems, *([leaks.reach.problem] if leaks.reach.problem else [])]


def _asleep(session: Session, waits: Waits) -> Finding:
    """What the runtime would have called a deadlock, had it looked: it does not in programs with cgo."""
    first = min((wait.goroutine for wait in waits.all()), key=lambda each: each.id)
    return _finding(
        session, (DEADLOCK,), _ASLEEP, [first], CERTAIN, len(waits.all()),
        "no goroutine can run, and no timer is left that could wake one",
    )  # fmt: skip


def _cycle(session: Session, waits: Waits, cycle: Cycle) -> Finding:
    ids = [goid for goid, _ in cycle.steps]
    goroutines = [each for each in map(session.world.goroutine, ids) if each is not None]
    steps = [f"goroutine {goid} waits for {lock.kind} {lock.address:#x}" for goid, lock in cycle.steps]
    what = ", held, it seems, by ".join([*steps, f"goroutine {ids[0]}"])
    return _finding(session, (DEADLOCK,), "concurrency:lock-cycle", goroutines, LIKELY, len(ids), what)


def _leak(session: Session, waits: Waits, leak: Leak) -> Finding:
    first, evidence = leak.waits[0].goroutine, leak.evidence[0][0]
    number = len(leak.waits)
    which = f"goroutine {first.id} waits" if number == 1 else f"{number} goroutines wait"
    found = _finding(
        session, (LEAK,), f"leak:{evidence.kind}", [first], leak.sure, number,
        f"{which} ({first.state}): {evidence.why}",
    )  # fmt: skip
    if isinstance(leak.caller, Place):
        found.place = leak.caller
    lines = [f"{each.sure}: {each.why} ({count} of {number})" for each, count in leak.evidence]
    ids = ", ".join(str(wait.goroutine.id) for wait in leak.waits[:_MAX_IDS])
    found.detail[:0] = [*lines, f"goroutines {ids}{', ...' if number > _MAX_IDS else ''}"]
    return found


def _finding(
    session: Session, kinds: Tuple[str, ...], rule: str, goroutines: List[Goroutine], sure: str, count: int, what: str
) -> Finding:
    """With the stack of the first goroutine, and a signature of all their functions, in no order that chance makes."""
    stacks = [_frames(session, each) for each in goroutines[:_MAX_IDS]]
    functions = [frame.function for stack in sorted(stacks, key=str) for frame in stack]
    named = signature(rule, functions, session.program.build_info)
    detail = [f"{display_name(f.function)} {f.file}:{f.line}" for f in (stacks[0] if stacks else [])[:_DEPTH]]
    return Finding(kinds, rule, *named, what, sure, _place(session, stacks[0] if stacks else []), count, detail)


def _frames(session: Session, goroutine: Goroutine) -> List[SourceFrame]:
    walked = islice(session.world.stacks.frames(goroutine), _WALKED)
    return [frame for frame in walked if isinstance(frame, SourceFrame)]
