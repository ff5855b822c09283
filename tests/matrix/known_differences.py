"""Where go-traceback does not print what the runtime prints of a goroutine at rest: the program, and why.

Names are of subcommands of runtime/testdata/testprog and testprogcgo.
"""

from __future__ import annotations

from typing import Dict

KNOWN: Dict[str, str] = {
    # runtime/traceback.go, traceback1: a C symbolizer that runtime.SetCgoTraceback has registered is called for the C
    # frames of a goroutine inside C. To ask it, the program would have to run; and the runtime forgets the C pcs
    # (m.cgoCallers) as it prints them.
    "CrashTraceback": "frames of C code, as the program's own symbolizer words them",
    # unwinder.next: where the stack is corrupt the runtime prints a hexdump of its memory; a debugger can show that
    # memory, and what is told is the reason ("stopped: ...").
    "BadTraceback": "the hexdump of a corrupt stack (with -race: the goroutine runs in other builds)",
}
