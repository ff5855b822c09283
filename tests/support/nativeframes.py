"""Sourced by gdb: prints one line of JSON, for each thread by its LWP the frames that gdb itself finds.

A frame: function, file, line, pc, inlined, signal (the frame of a handler's call), args: [[name, value or null where it
is optimized out]]. Values of words are unsigned.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

import gdb

MAX_FRAMES = 200


def frames_of(thread: Any) -> List[Dict[str, Any]]:
    thread.switch()
    found, frame = [], gdb.newest_frame()
    while frame is not None and len(found) < MAX_FRAMES:
        place = frame.find_sal()
        found.append(
            {
                "function": frame.name(),
                "file": place.symtab.filename if place.symtab else None,
                "line": place.line,
                "pc": frame.pc(),
                "inlined": frame.type() == gdb.INLINE_FRAME,
                "signal": frame.type() == gdb.SIGTRAMP_FRAME,
                "args": arguments(frame),
                "end": gdb.frame_stop_reason_string(frame.unwind_stop_reason()),
            }
        )
        frame = frame.older()
    return found


def arguments(frame: Any) -> List[Any]:
    try:
        block = frame.block()
        while block.function is None:
            block = block.superblock
    except RuntimeError:  # no symbols there
        return []
    return [[symbol.name, word(symbol.value(frame))] for symbol in block if symbol.is_argument]


def word(value: Any) -> Optional[int]:
    if value.is_optimized_out:
        return None
    if value.address is None:
        return int(value) & (1 << 8 * value.type.sizeof) - 1
    data = gdb.selected_inferior().read_memory(value.address, value.type.sizeof)
    return int.from_bytes(data.tobytes(), "little")


print(json.dumps({thread.ptid[1]: frames_of(thread) for thread in gdb.selected_inferior().threads()}))
