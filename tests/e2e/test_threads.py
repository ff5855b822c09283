"""go-threads in gdb, against gdb's own list of threads and stacks, and what the dying process printed."""

from __future__ import annotations

import re
from typing import Dict, List

import pytest

from tests.e2e.answers import ask, blocks, lines_of
from tests.matrix.test_threads import CGO, down, native
from tests.support import matrix
from tests.support.cores import Core, healthy_core
from tests.support.gdb import on_core, run_gdb
from tests.support.traceback import parse_traceback

_FRAME = re.compile(r"^#\d+\s+(?:0x([0-9a-f]+) in )?(\S+)", re.M)


def gdb_threads(core: Core) -> Dict[int, int]:
    """gdb's number -> LWP."""
    text = on_core(core, "info threads", extension=False).outputs[0]
    return {int(n): int(lwp) for n, lwp in re.findall(r"^\*?\s+(\d+)\s+(?:Thread 0x\w+ \()?LWP (\d+)", text, re.M)}


@pytest.mark.parametrize("version,arch", matrix.few())
def test_every_thread_is_listed(version: str, arch: str) -> None:
    core = healthy_core(version, arch)
    document = ask(core, "go-threads")[0]
    shown = {t["number"]: t["thread"] for t in document["threads"] if t["thread"] is not None}
    assert shown == gdb_threads(core)
    assert document["total"] == len(document["threads"])
    assert sum(t["selected"] for t in document["threads"]) == 1
    ms = [t["m"] for t in document["threads"] if t["m"] is not None]
    assert sorted(ms) == list(range(len(ms))) and document["machines"] == len(ms)
    assert _printed_ms(core) <= set(ms)
    states = [t["state"] for t in document["threads"]]
    assert states.count("sysmon") == 1 and not {"unknown", "not go"} & set(states)
    running = {g.id: g.m for g in parse_traceback(core.stderr) if g.id and g.status == "running" and g.frames}
    for t in document["threads"]:
        assert t["signal"] in ("SIGABRT", "SIGQUIT", None)
        if t["state"] == "goroutine" and t["goroutine"] in running:
            assert running[t["goroutine"]] in (t["m"], None)


def _printed_ms(core: Core) -> set[int]:
    return {g.m for g in parse_traceback(core.stderr) if g.id == 0 and g.m is not None}


@pytest.mark.parametrize("version,arch", matrix.few())
def test_threads_print_the_same_innermost_frames(version: str, arch: str) -> None:
    """Each g0 that was printed is a thread's frame under its handler: same function, line and pc."""
    core = healthy_core(version, arch)
    frames = [t["frame"] for t in ask(core, "go-threads")[0]["threads"] if t["frame"]]
    found = {(f["function"], f["file"], f["line"], f["pc"], f["sp"]) for f in frames}
    firsts = [g.frames[0] for g in parse_traceback(core.stderr) if g.id == 0 and g.frames]
    assert len(firsts) >= 3
    assert {(f.function, f.file, f.line, hex(f.pc or 0), hex(f.sp or 0)) for f in firsts} <= found


@pytest.mark.parametrize("version,arch", matrix.few())
def test_the_runtime_stack_of_a_throw_is_printed_as_the_runtime_did(version: str, arch: str) -> None:
    """Arguments too; the calls that raise the signal came on top, and below stands how the stack was come to."""
    core = down(version, arch, "overflow")
    text = on_core(core, "go-traceback 1 --level system").outputs[0]
    theirs, found = _runtime_stack(core.stderr), _runtime_stack(text)
    at = found.index(theirs[0])
    assert len(theirs) >= 6 and found[at : at + len(theirs)] == theirs
    head, *lines = blocks(core.stderr)[1]
    assert blocks(text)[1][0] == head
    document = ask(core, "go-traceback 1 --level system", "go-traceback 1")
    stacks = [f["stack"] for f in document[0]["goroutines"][0]["frames"]]
    assert stacks == sorted(stacks, key=["signal", "system", "goroutine"].index) and "system" in stacks
    assert {f["stack"] for f in document[1]["goroutines"][0]["frames"]} == {"goroutine"}


def _runtime_stack(text: str) -> List[str]:
    return (f"\n{text}").split("\nruntime stack:\n", 1)[1].split("\n\n", 1)[0].splitlines()


@pytest.mark.parametrize("version,arch", [pair for pair in CGO if pair[1] == "amd64"])
def test_c_frames_are_those_of_gdb(version: str, arch: str) -> None:
    """gdb follows the same call frame information from the signal's frame on, with the program's symbols at hand."""
    core = native(version, arch, "doze")
    (document,) = ask(core, "go-threads -t")
    thread = next(t for t in document["threads"] if t["goroutine"] == 1)
    (c,) = [piece for piece in thread["stacks"] if piece["stack"] == "c"]
    steps = [f"thread {thread['number']}", "backtrace"]
    text = run_gdb(steps, exe=core.twin, core=core.core, extension=False).outputs[1]
    theirs = [int(pc, 16) for pc, _ in _FRAME.findall(text) if pc]
    ours = [int(frame["pc"], 16) for frame in c["frames"]]
    at = theirs.index(ours[1])  # gdb shows no pc for a frame at the start of a line
    assert theirs[at : at + len(ours) - 1] == ours[1:]
    assert thread["state"] == "c" and thread["in_c"] and c["left_by"] == "a call of C"
    assert [frame["stack"] for frame in c["frames"]] == ["c"] * len(ours)


@pytest.mark.parametrize("version,arch", CGO)
def test_a_thread_that_is_no_m(version: str, arch: str) -> None:
    core = native(version, arch, "doze")
    (document,) = ask(core, "go-threads -t")
    (bare,) = [t for t in document["threads"] if t["m"] is None]
    assert (bare["state"], bare["goroutine"], bare["p"], bare["signal"]) == ("not go", None, None, None)
    assert {piece["stack"] for piece in bare["stacks"]} == {"c"}
    frames = [frame for piece in bare["stacks"] for frame in piece["frames"]]
    if arch == "amd64":
        assert "sleep" in [frame["function"] for frame in frames]
        assert [piece["problem"] for piece in bare["stacks"]] == [None]
    else:
        assert frames and bare["stacks"][-1]["problem"]  # qemu's cores hold no code of shared libraries


def test_text() -> None:
    core = native("1.27", "amd64", "sort", "throw")
    run = on_core(core, "go-threads", "go-threads -t 3 --limit 1", "go-threads --limit 0")
    head, *rows, foot = lines_of(run, 0)
    assert head.split() == ["M", "THREAD", "GOROUTINE", "P", "DOES", "FRAME"]
    assert [row for row in rows if "sysmon" in row] and re.fullmatch(rf"\({len(rows)} threads; \d+ Ms\)", foot)
    assert rows[0].startswith("*")
    limited = lines_of(run, 1)
    assert limited[2] == "    signal stack:" and re.fullmatch(r"\s+\d+ more frames", limited[-2])
    assert sum(" in " in line for line in limited) == 3
    assert len(lines_of(run, 2)) == 2
