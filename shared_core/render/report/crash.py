"""The page's section on what brought the program down."""

from __future__ import annotations

from typing import List, Optional, Tuple

from ...commands.crash import CrashCard
from ...commands.stacks import StackPiece
from ...runtime.nativeframes import NativeFrame
from ...runtime.panics import Panic
from ..crash import rows
from ..stacks import native_name, title
from .blocks import badge, facts, section, stack
from .markup import Content, Markup, join, tag

_ABOVE = ("class", "because", "goroutines")  # said elsewhere on the page


def crash_section(body: CrashCard) -> Markup:
    crash = body.crash
    if not crash.kind:
        return section("crash", "Crash", tag("p", f"No crash: {crash.labels[0].why}.", class_="calm"))
    shown, registers = _apart([(name, value) for name, value in rows(body) if name not in _ABOVE])
    card = tag(
        "div",
        tag("p", badge(crash.label, "bad"), " ", [badge(label.name) for label in crash.labels[1:]]),
        tag("p", headline(body), class_="headline"),
        tag("p", crash.labels[0].why, class_="note"),
        facts(shown),
        tag("details", tag("summary", "Registers"), tag("pre", "\n".join(registers))) if registers else None,
        class_="card bad",
    )
    return section("crash", "Crash", card, *_stacks(body))


def _apart(found: List[Tuple[str, str]]) -> Tuple[List[Tuple[str, Content]], List[str]]:
    """The rows without the registers, and the registers' lines."""
    shown: List[Tuple[str, Content]] = []
    registers: List[str] = []
    within = ""
    for name, value in found:
        within = name or within
        if within == "registers" and not value.startswith("?"):
            registers.append(value)
        elif within != "label":
            shown.append((name, tag("code", value)))
    return shown, registers


def headline(body: CrashCard) -> str:
    """What the runtime printed first, or would have: the newest panic, the fatal error, or the signal."""
    crash = body.crash
    panic = _newest(crash.panics)
    if isinstance(crash.words, str) and crash.words:
        return f"fatal error: {crash.words}"
    if panic is not None and isinstance(panic.message, str):
        return f"panic: {panic.message}"
    return f"signal {crash.signal.name}" if crash.signal is not None else crash.labels[0].why


def _newest(panics: Tuple[Panic, ...]) -> Optional[Panic]:
    return next((each for each in panics if not each.goexit), None)


def _stacks(body: CrashCard) -> List[Markup]:
    crash = body.crash
    found = []
    if body.inside:
        number = f" {crash.thread}" if crash.thread is not None else ""
        found += [tag("h3", f"Thread{number}"), *[_piece(piece) for piece in body.inside]]
    if crash.goroutine is not None and body.stack is not None:
        note = f" ({crash.stands_for})" if crash.stands_for else ""
        found.append(tag("h3", f"Goroutine {crash.goroutine.id} [{crash.goroutine.state}]{note}"))
        found.append(stack(body.stack, args=True, more=body.more))
    return found


def _piece(piece: StackPiece) -> Markup:
    """Frames of a system stack, a signal's, C's: few, and of interest to few."""
    frames = []
    for frame in piece.frames:
        if isinstance(frame, NativeFrame):
            frames.append(tag("li", tag("code", native_name(frame))))
        else:
            where = tag("span", f"{frame.file}:{frame.line}", class_="file")
            frames.append(tag("li", tag("code", frame.function), where))
    end = f"{piece.more} more frames" if piece.more else f"stopped: {piece.problem}" if piece.problem else ""
    tail = tag("li", end, class_="end") if end else None
    name = tag("summary", f"{title(piece)}, {len(piece.frames)} frames")
    return join(tag("details", name, tag("ol", *frames, tail, class_="stack")))
