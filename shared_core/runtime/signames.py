"""Names of Linux signals; the same numbers on amd64 and arm64 (include/uapi/asm-generic/signal.h)."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """ "SIGABRT" for 6; "32" for one that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
