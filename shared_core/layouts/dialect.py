"""What a Go version prints, where no structure or constant of the runtime tells."""

from __future__ import annotations

from .model import Layout


def names_g_in_header(layout: Layout) -> bool:
    """Whether a traceback at GOTRACEBACK=system has "gp=... m=..." in its headers: runtime/traceback.go of Go 1.22."""
    return _minor(layout) >= 22


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


def _minor(layout: Layout) -> int:
    """22 of "1.22"."""
    return int(layout.go.split(".")[1])
