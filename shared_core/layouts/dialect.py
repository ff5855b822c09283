"""What a Go version prints, where no structure or constant of the runtime tells."""

from __future__ import annotations

from typing import NamedTuple, Tuple

from .model import Layout


class Printing(NamedTuple):
    """How a version's runtime/traceback.go words things; read from all of them.

    names_g: "gp=... m=..." in headers at GOTRACEBACK=system. bubble: the word for what a synctest goroutine is in.
    durable: "(durable)" marks blocked goroutines of a bubble; durable_always: runnable ones too.
    labels_in_brackets: labels stand before the "]", quoted all; bad_bytes: as such in what is quoted, not as U+FFFD.
    two_brackets: a generic method of a generic type shows both its brackets.
    """

    names_g: bool
    bubble: str
    durable: bool
    durable_always: bool
    labels_in_brackets: bool
    bad_bytes: bool
    two_brackets: bool


def printing(layout: Layout) -> Printing:
    minor = _minor(layout)
    return Printing(
        names_g=minor >= 22,
        bubble="synctest group" if minor < 25 else "synctest bubble",
        durable=minor >= 25,
        durable_always=minor == 25,
        labels_in_brackets=minor < 27,
        bad_bytes=minor >= 27,
        two_brackets=minor >= 27,
    )


def counts_physical_frames(layout: Layout) -> bool:
    """Whether a traceback stops after so many physical frames, shown or not: gentraceback of Go 1.20 and before."""
    return _minor(layout) < 21


def exports_methods(layout: Layout) -> bool:
    """Whether exported methods of package runtime are shown, and closures in its exported functions are not."""
    return _minor(layout) >= 23


def always_shows_finalizers(layout: Layout) -> bool:
    """Whether runFinalizers and runCleanups are shown although they are the runtime's (showfuncinfo)."""
    return _minor(layout) >= 25


def liveness_at_outer_call(layout: Layout) -> bool:
    """Whether a traceback looks up the liveness of arguments at the place of the outermost inlined call.

    gentraceback of Go 1.20 and before moves its pc there while it prints inlined calls; the unwinder of Go 1.21 asks
    at the frame's own pc.
    """
    return _minor(layout) < 21


def preempted_is_trap(layout: Layout) -> bool:
    """Whether a frame that was preempted by a signal is shown at the very pc that it was interrupted at.

    gentraceback of Go 1.20 and before does so for the caller of sigpanic only, and takes asyncPreempt for a call.
    """
    return _minor(layout) >= 21


def symbol_prefix(layout: Layout, kind: str) -> str:
    """What the linker's own symbols of a kind begin with: "go:", "type:"; up to Go 1.19 "go.", "type."."""
    return kind + (":" if _minor(layout) >= 20 else ".")


def cache_line_pad(layout: Layout) -> int:
    """internal/cpu.CacheLinePadSize, by which the runtime keeps things apart: 128 on arm64 since Go 1.21."""
    return 128 if layout.arch == "arm64" and _minor(layout) >= 21 else 64


def inline_mark_bits(layout: Layout) -> Tuple[int, int]:
    """(size, offset of the mark bits) of spanInlineMarkBits, which pages with their own mark bits end in.

    The same in all versions that have it (1.25 with GOEXPERIMENT=greenteagc, 1.26 and 1.27): scans [63]uint8, owned,
    marks [63]uint8, class. Where it is not in use no page is marked as having it.
    """
    return 128, 64


def _minor(layout: Layout) -> int:
    """22 of "1.22"."""
    return int(layout.go.split(".")[1])
