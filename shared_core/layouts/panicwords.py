"""What a Go version prints of a panic, where no structure of the runtime tells; read from all of them.

Sources: runtime/panic.go (printpanics), runtime/error.go (boundsError, PanicNilError, printpanicval), runtime/print.go
(printfloat), of Go 1.19 to 1.27.
"""

from __future__ import annotations

from typing import NamedTuple, Tuple

from .model import Layout

_INDEX = "index out of range [%x] with length %y"
_BOUNDS = (
    *(_INDEX, "slice bounds out of range [:%x] with length %y", "slice bounds out of range [:%x] with capacity %y"),
    *("slice bounds out of range [%x:%y]", "slice bounds out of range [::%x] with length %y"),
    *("slice bounds out of range [::%x] with capacity %y", "slice bounds out of range [:%x:%y]"),
    "slice bounds out of range [%x:%y:]",
)
_NEGATIVE = (
    *("index out of range [%x]", "slice bounds out of range [:%x]", "slice bounds out of range [:%x]"),
    *("slice bounds out of range [%x:]", "slice bounds out of range [::%x]", "slice bounds out of range [::%x]"),
    *("slice bounds out of range [:%x:]", "slice bounds out of range [%x::]"),
)


class PanicWords(NamedTuple):
    """bounds: boundsErrorFmts by code; negative: those for an index below 0. nil: PanicNilError's words.

    short_floats: printed as strconv does, not with six digits and three of exponent. repanicked: said of a panic that
    was recovered and raised again. indented: lines of a text after its first begin with a tab.
    """

    bounds: Tuple[str, ...]
    negative: Tuple[str, ...]
    nil: str
    short_floats: bool
    repanicked: bool
    indented: bool


def panic_words(layout: Layout) -> PanicWords:
    minor = int(layout.go.split(".")[1])
    to = "array or pointer to array" if minor >= 20 else "pointer to array"
    return PanicWords(
        bounds=(*_BOUNDS, f"cannot convert slice with length %y to {to} with length %x"),
        negative=_NEGATIVE,
        nil=("runtime error: " if minor >= 27 else "") + "panic called with nil argument",
        short_floats=minor >= 26,
        repanicked=minor >= 25,
        indented=minor >= 23,
    )
