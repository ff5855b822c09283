"""What the end-to-end tests share: JSON answers, blocks of a traceback as text, names as the runtime prints them."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Sequence

from tests.support.blocks import blocks as printed_blocks
from tests.support.cores import Core
from tests.support.gdb import GdbRun, on_core
from tests.support.traceback import Frame, Goroutine

Document = Dict[str, Any]


def documents(run: GdbRun) -> List[Document]:
    """The outputs of commands that were all given --json: each is one document and nothing else."""
    assert run.outputs and all(run.outputs), run.stderr
    return [json.loads(output) for output in run.outputs]


def ask(core: Core, *commands: str) -> List[Document]:
    """The documents of `commands` (given without --json) on a core."""
    return documents(on_core(core, *(f"{command} --json" for command in commands)))


def lines_of(run: GdbRun, index: int) -> List[str]:
    return run.outputs[index].splitlines()


def blocks(text: str) -> Dict[int, List[str]]:
    """goroutine id -> the lines of its last block in a traceback, header included, registers not; no g0s."""
    return {goid: lines for goid, _, lines in printed_blocks(text) if goid}


def printed(name: str) -> str:
    """A linker's name as tracebacks print it: type arguments cut, and gopanic under its name in the language."""
    return "panic" if name == "runtime.gopanic" else re.sub(r"\[.*\]", "[...]", name)


def place(frame: Document) -> tuple[str, str, int]:
    """(function, file, line) of a frame in a document, to be compared with `place_of`."""
    return printed(frame["function"]), frame["file"], frame["line"]


def place_of(frame: Frame) -> tuple[str, str, int]:
    """The same of a frame that the runtime printed."""
    return frame.function, frame.file, frame.line


def is_users(function: str) -> bool:
    """Delve 1.27, pkg/proc/variables.go (UserCurrent), on a name as printed: exported functions of runtime count."""
    if function == "panic" or "." not in function:
        return False
    if function.startswith("runtime."):
        return function.split(".")[-1][0].isupper()
    return not function.startswith(("internal/", "runtime/internal", "iter."))


def users_frame(frames: Sequence[Frame]) -> Frame:
    """The first frame outside the runtime, the innermost where there is none."""
    return next((frame for frame in frames if is_users(frame.function)), frames[0])


def is_parked(goroutine: Goroutine) -> bool:
    """Whether it has been standing still since before the process went down."""
    return goroutine.status not in ("running", "runnable", "sleep") or "main.sleepLong" in {
        frame.function for frame in goroutine.frames
    }
