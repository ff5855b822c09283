"""gdb as a debug adapter: it is newer than Debian 12's, so that gdb's part is played; gdb 16.3 was tried by hand."""

from __future__ import annotations

import pytest

from tests.support import matrix
from tests.support.cores import crash_core
from tests.support.gdb import on_core
from tests.support.traceback import by_id, parse_traceback

_PLAY = (
    "python import sys, types; "
    "frames, server = types.ModuleType('gdb.dap.frames'), types.ModuleType('gdb.dap.server'); "
    "frames._clear_frame_ids = lambda event: print('cleared'); "
    "server.client_bool_capability = lambda name: {capable}; "
    "server.send_event = lambda name, body: print(name, body); "
    "sys.modules.update({{'gdb.dap.frames': frames, 'gdb.dap.server': server}})"
)


@pytest.mark.parametrize("capable", [True, False])
def test_the_client_asks_for_frames_anew(capable: bool) -> None:
    core = crash_core(matrix.newest())
    goid = next(goid for goid, each in by_id(parse_traceback(core.stderr)).items() if each.status == "chan send")
    run = on_core(
        core, _PLAY.format(capable=capable), f"go-goroutine {goid} select", "go-goroutine 0", "go-goroutine 0"
    )
    told = "cleared\n" + "invalidated {'areas': ['stacks']}\n" * capable
    assert [output.count(told) for output in run.outputs[1:]] == [1, 1, 0]


def test_a_gdb_with_other_names_in_it() -> None:
    core = crash_core(matrix.newest())
    goid = next(goid for goid, each in by_id(parse_traceback(core.stderr)).items() if each.status == "chan send")
    play = "python import sys; sys.modules.update({'gdb.dap.frames': sys, 'gdb.dap.server': sys})"
    assert f"[goroutine {goid} (chan send)" in on_core(core, play, f"go-goroutine {goid} select").outputs[1]
