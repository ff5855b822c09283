"""tests.support.traceback on what real runtimes print: nothing of it may get lost, as other tests lean on it."""

from __future__ import annotations

import re

import pytest

from tests.support import matrix
from tests.support.build import PLAIN
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.traceback import by_id, parse_traceback

PARKED = ("main.selectTwo", "main.sleepLong", "main.lockHeld", "main.readNil", "main.readPipe", "main.readSyscall")


def assert_nothing_is_lost(core: Core) -> None:
    blocks = re.split(r"^(?=goroutine \d+[^\n]*:$)", core.stderr, flags=re.M)[1:]
    found = parse_traceback(core.stderr)
    assert len(found) == len(blocks)
    for goroutine, block in zip(found, blocks):
        body = block.split("\n\n")[0]
        places = re.findall(r"^\t\S.*:\d+(?: \+0x[0-9a-f]+)?(?: fp=.*)?$", body, re.M)
        assert len(goroutine.frames) + (goroutine.created_by is not None) == len(places), body


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_crash(version: str, arch: str) -> None:
    core = crash_core(version, arch, "nil")
    assert_nothing_is_lost(core)
    goroutines = by_id(parse_traceback(core.stderr))
    crashed = goroutines[1]
    assert crashed.status == "running"
    names = [frame.function for frame in crashed.frames]
    at = names.index("runtime.sigpanic")
    assert names[at + 1 :][:4] == ["main.pathLength", "main.derefNil", "main.dispatch", "main.(*server).handle"]
    assert crashed.frames[at + 1].inlined and not crashed.frames[at + 2].inlined
    assert crashed.frames[at + 2].file.endswith("/crash.go")
    dispatch = crashed.frames[at + 3]
    assert dispatch.args is not None and "{0x1, 0x2, 0x3}" in dispatch.args
    assert None not in (dispatch.offset, dispatch.fp, dispatch.sp, dispatch.pc)
    started = {frame.function: g for g in goroutines.values() for frame in g.frames}
    assert set(PARKED) <= set(started)
    parked = started["main.selectTwo"]
    assert parked.status == "select" and not parked.locked
    assert parked.created_by is not None and parked.created_by.function == "main.parkAll"
    assert parked.parent == (None if version == "1.19" else 1)
    assert started["main.lockedThread"].locked


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_threads_print_their_stacks_too(version: str, arch: str) -> None:
    """An abort from outside: SIGQUIT makes each other thread print its g0, or the goroutine that it ran."""
    core = healthy_core(version, arch, PLAIN, "spin")
    assert_nothing_is_lost(core)
    goroutines = parse_traceback(core.stderr)
    assert any(g.id == 0 for g in goroutines)
    assert 0 not in by_id(goroutines)
    spinning = [g for g in by_id(goroutines).values() if any(f.function == "main.spin" for f in g.frames)]
    # The dying runtime asks running goroutines to stop first, and not every one gets to that.
    assert [g.status in ("running", "runnable") for g in spinning] == [True]


def test_labels_are_read() -> None:
    core = crash_core("1.27", "amd64", "panic")
    labelled = [g.labels for g in parse_traceback(core.stderr) if g.labels]
    assert labelled == [{"odd key": 'a"b', "request": "42"}]


def test_header_words() -> None:
    text = (
        "goroutine 7 gp=0xc000102380 m=3 mp=0xc000080008"
        " [chan receive (leaked) (scan), 12 minutes, locked to thread]:\n"
        "main.(*T[...]).f(0x1, {0x2, _}, ...)\n\t/x y/a.go:7 +0x1f\n"
        "main.g.func1(...)\n\t/x y/a.go:9\n...12 frames elided...\n"
        "created by main.(*T).h in goroutine 1\n\t/x y/a.go:3 +0x2\n\n"
        "goroutine 8 [running]:\n\tgoroutine running on other thread; stack unavailable\n"
        "created by main.main\n\t/b.go:1 +0x1\n"
    )
    first, second = parse_traceback(text)
    assert (first.id, first.status, first.minutes, first.locked) == (7, "chan receive", 12, True)
    assert (first.leaked, first.scan, first.elided, first.m, first.gp) == (True, True, True, 3, 0xC000102380)
    assert first.parent == 1 and first.created_by is not None and first.created_by.line == 3
    assert [(f.function, f.args, f.file, f.inlined) for f in first.frames] == [
        ("main.(*T[...]).f", "0x1, {0x2, _}, ...", "/x y/a.go", False),
        ("main.g.func1", "...", "/x y/a.go", True),
    ]
    assert second.unavailable and not second.frames and second.created_by is not None
