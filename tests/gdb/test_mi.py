"""gdb/MI: the commands on its console, and what a selected goroutine is to a front end."""

from __future__ import annotations

import re
import subprocess
from typing import List

from tests.support import matrix
from tests.support.cores import crash_core
from tests.support.paths import GDB_EXTENSION
from tests.support.traceback import by_id, parse_traceback


def answers(*commands: str) -> List[str]:
    """The result record of each command."""
    text = "".join(command + "\n" for command in (*commands, "-gdb-exit"))
    line = ["gdb", "-nx", "-q", "-i=mi"]
    done = subprocess.run(line, input=text, capture_output=True, text=True, timeout=120)
    return [line for line in done.stdout.splitlines() if line.startswith("^")]


def test_a_goroutine_is_selected() -> None:
    core = crash_core(matrix.newest())
    parked = [g for g in by_id(parse_traceback(core.stderr)).values() if g.status == "chan send"][0]
    found = answers(
        f"-file-exec-and-symbols {core.exe}",
        f"-target-select core {core.core}",
        f'-interpreter-exec console "source {GDB_EXTENSION}"',
        '-interpreter-exec console "go-goroutines"',
        f'-interpreter-exec console "go-goroutine {parked.id} select"',
        "-stack-list-frames",
        "-stack-info-frame",
        '-interpreter-exec console "go-goroutine 0"',
        "-stack-info-frame",
        '-interpreter-exec console "go-goroutine 99999"',
    )
    assert [record.split(",")[0] for record in found] == ["^done"] * 1 + ["^connected"] + ["^done"] * 7 + [
        "^error",
        "^exit",
    ]
    pcs = [int(pc, 16) for pc in re.findall(r'addr="(0x[0-9a-f]+)"', found[5])]
    assert pcs[1 : 1 + len(parked.frames)] == [frame.pc for frame in parked.frames if not frame.inlined]
    assert f'level="1",addr="{parked.frames[0].pc:#018x}"' in found[6]
    assert 'level="0"' in found[8]
    assert "there is no goroutine 99999" in found[9]
