"""gdb as a debug adapter (`gdb -i=dap`, gdb 14 and newer): it keeps the frames of a stop; a goroutine has others."""

from __future__ import annotations

import sys
from contextlib import suppress


def frames_changed() -> None:
    """Drop the frames that gdb keeps for its client, and have the client ask for them anew; nothing without a client.

    gdb itself drops them only when the program moves, and from then on says "Frame is invalid" to every question.
    """
    frames, server = (sys.modules.get(f"gdb.dap.{name}") for name in ("frames", "server"))
    if frames is None or server is None:
        return
    # gdb promises none of these names; where they are others, the client sees the goroutine once the program moves.
    with suppress(AttributeError):
        frames._clear_frame_ids(None)
        if server.client_bool_capability("supportsInvalidatedEvent"):
            server.send_event("invalidated", {"areas": ["stacks"]})
