"""lldb-dap, as an IDE drives it: goroutines among its threads, their stacks, the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from tests.support import matrix
from tests.support.build import build
from tests.support.cores import crash_core
from tests.support.dap import DapClient, lldb_dap
from tests.support.lldb import IMPORT
from tests.support.traceback import by_id, parse_traceback

START = [IMPORT, "go-threads-plugin on"]


def begun(client: DapClient, request: str, **arguments: Any) -> None:
    client.ask("initialize", adapterID="test", linesStartAt1=True, columnsStartAt1=True)
    number = client.send(request, initCommands=START, **arguments)
    client.wait_for("initialized")
    client.ask("configurationDone")
    client.answer(number)


def threads(client: DapClient) -> Dict[str, int]:
    """The name of each goroutine -> the thread's id; the names are unique."""
    listed = client.ask("threads")["threads"]
    return {each["name"]: each["id"] for each in listed if each["name"].startswith("goroutine ")}


def test_a_core(tmp_path: Path) -> None:
    core = crash_core(matrix.newest())
    printed = by_id(parse_traceback(core.stderr))
    with DapClient([lldb_dap()], tmp_path) as client:
        begun(client, "attach", program=str(core.exe), coreFile=str(core.core))
        shown = threads(client)
        assert len(shown) == 18
        for name, tid in shown.items():
            goroutine = printed[int(name.split()[1])]
            frames = client.ask("stackTrace", threadId=tid, startFrame=0, levels=50)["stackFrames"]
            pcs = [int(frame["instructionPointerReference"], 16) for frame in frames]
            if goroutine.status != "running":
                assert pcs == [frame.pc for frame in goroutine.frames if not frame.inlined][:-1], name
        client.ask("scopes", frameId=frames[0]["id"])  # what a click on a frame does
        asked = client.ask("evaluate", expression="`go-goroutine", context="repl", frameId=frames[0]["id"])
        assert f"\n{name} [" in asked["result"]


def test_a_process(tmp_path: Path) -> None:
    built = build("healthy", matrix.newest())
    with DapClient([lldb_dap()], tmp_path) as client:
        begun(client, "launch", program=str(built.exe), args=["trap"], env=["GODEBUG=asyncpreemptoff=1"])
        client.wait_for("stopped")
        shown = threads(client)
        assert len(shown) > 15
        frames = client.ask("stackTrace", threadId=shown["goroutine 1"], startFrame=0, levels=5)["stackFrames"]
        asked = client.ask("evaluate", expression="`go-goroutine 1", context="repl", frameId=frames[0]["id"])
        assert f"\n   0  {frames[0]['instructionPointerReference'].lower()} in " in asked["result"]
        client.ask("disconnect", terminateDebuggee=True)
