"""go-goroutines and go-goroutine in gdb, against the traceback that the dying process printed itself."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, List, Set

import pytest

from tests.e2e.answers import Document, ask, lines_of, place, place_of, printed, users_frame
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, crash_core, take_core
from tests.support.gdb import on_core
from tests.support.traceback import Goroutine, by_id, parse_traceback


@pytest.fixture(scope="module")
def core() -> Core:
    return crash_core(matrix.newest())


def said(core: Core) -> Dict[int, Goroutine]:
    """What the process printed (GOTRACEBACK=crash: the runtime's own goroutines too, at their own frames)."""
    return by_id(parse_traceback(core.stderr))


def own_ids(core: Core) -> Set[int]:
    """The goroutines that are the program's own: main's, and those that package main started."""
    starters = {goid: each.created_by for goid, each in said(core).items()}
    return {goid for goid, by in starters.items() if goid == 1 or (by and by.function.startswith("main."))}


@lru_cache(maxsize=64)
def listed(version: str, arch: str) -> Dict[int, Document]:
    (answer,) = ask(crash_core(version, arch), "go-goroutines --all -t 100")
    return {each["id"]: each for each in answer["goroutines"]}


@pytest.mark.parametrize("version,arch", matrix.few())
def test_ids_and_states(version: str, arch: str) -> None:
    found, expected = listed(version, arch), said(crash_core(version, arch))
    assert found.keys() == expected.keys()
    states = {goid: each["wait_reason"] or each["status"] for goid, each in found.items()}
    assert states == {goid: each.status for goid, each in expected.items()}
    assert {goid for goid, each in found.items() if each["locked"]} == {g.id for g in expected.values() if g.locked}
    if matrix.versions().index(version) <= matrix.versions().index("1.23"):  # headers have gp= since then
        assert {g: int(each["address"], 0) for g, each in found.items()} == {g: e.gp for g, e in expected.items()}


@pytest.mark.parametrize("version,arch", matrix.few())
def test_who_started_them(version: str, arch: str) -> None:
    found, expected = listed(version, arch), said(crash_core(version, arch))
    for goid, each in expected.items():
        by = found[goid]["created_by"]
        assert (by and place(by)) == (place_of(each.created_by) if each.created_by else None)
        assert found[goid]["parent_id"] == each.parent


@pytest.mark.parametrize("version,arch", matrix.few())
def test_user_frames_and_stacks(version: str, arch: str) -> None:
    found, expected = listed(version, arch), said(crash_core(version, arch))
    for goid, each in expected.items():
        assert place(found[goid]["user_frame"]) == place_of(users_frame(each.frames))
        frames = found[goid]["frames"]
        if each.status == "running":  # our view is of a moment later: it has gone on to raise the signal
            start = [printed(frame["function"]) for frame in frames].index("panic")
            frames = frames[start:]
        assert [place(frame) for frame in frames] == [place_of(frame) for frame in each.frames]
        numbers = [(int(f["pc"], 0), int(f["sp"], 0), int(f["fp"], 0)) for f in frames if not f["inlined"]]
        assert numbers == [(f.pc, f.sp, f.fp) for f in each.frames if not f.inlined]
        assert [f["inlined"] for f in frames] == [f.inlined for f in each.frames]


@pytest.mark.parametrize("version,arch", matrix.few())
def test_system_goroutines_are_left_out(version: str, arch: str) -> None:
    """The runtime's rule (isSystemGoroutine), by who started them; runtime.NumGoroutine counts by it too."""
    core = crash_core(version, arch)
    own = own_ids(core)
    (answer,) = ask(core, "go-goroutines")
    assert {each["id"] for each in answer["goroutines"]} == own
    assert len(own) == answer["total"] == int(core.facts()["goroutines"][0])
    assert answer["hidden_system"] == len(said(core)) - len(own)
    assert {goid for goid, each in listed(version, arch).items() if each["system"]} == said(core).keys() - own


@pytest.mark.parametrize("version,arch", matrix.few())
def test_threads_and_labels(version: str, arch: str) -> None:
    found = listed(version, arch)
    labels = [each["labels"] for each in found.values() if each["labels"]]
    assert labels == [{"request": "42", "odd key": 'a"b'}]
    on_thread = {each["status"] for each in found.values() if each["thread"] is not None}
    assert {"running"} <= on_thread <= {"running", "syscall"}


Test = Callable[[Goroutine], bool]
FILTERS: Dict[str, Test] = {
    "--status syscall": lambda g: g.status == "syscall",
    "--status RUNNING": lambda g: g.status == "running",
    "--status waiting": lambda g: g.status not in ("running", "syscall", "runnable"),
    "--wait-reason chan": lambda g: "chan" in g.status,
    "--wait-reason 'sync.mutex'": lambda g: g.status == "sync.Mutex.Lock",
    "--wait-reason 'no such'": lambda g: False,
    r"--function main\.(readPipe|readSyscall)$": lambda g: (
        any("main.read" in f.function for f in g.frames) and g.status in ("IO wait", "syscall")
    ),
    "--function inlinedInner": lambda g: any("inlinedInner" in f.function for f in g.frames),
    r"--status waiting --wait-reason send --function ^main\.": lambda g: g.status == "chan send",
}


@pytest.mark.parametrize("options", FILTERS)
def test_filters(core: Core, options: str) -> None:
    own = {g.id for g in said(core).values() if FILTERS[options](g)}
    everyone, users = ask(core, f"go-goroutines --all {options}", f"go-goroutines {options}")
    assert [each["id"] for each in everyone["goroutines"]] == sorted(own)
    system = {goid for goid, each in listed(matrix.newest(), "amd64").items() if each["system"]}
    assert {each["id"] for each in users["goroutines"]} == own - system
    assert (everyone["total"], users["total"]) == (len(own), len(own - system))


def test_order_and_limit(core: Core) -> None:
    expected = said(core)
    answers = ask(core, *(f"go-goroutines --all --sort {order}" for order in ("id", "status", "function", "wait")))
    ids = [[each["id"] for each in answer["goroutines"]] for answer in answers]
    assert ids[0] == sorted(expected)
    assert ids[1] == sorted(expected, key=lambda g: (expected[g].status, g))
    names = [each["user_frame"]["function"] for each in answers[2]["goroutines"]]
    assert names == sorted(names) and sorted(ids[2]) == sorted(ids[3]) == ids[0]
    (cut, none) = ask(core, "go-goroutines --all --sort status --limit 3", "go-goroutines --limit 0")
    assert [each["id"] for each in cut["goroutines"]] == ids[1][:3] and cut["total"] == len(expected)
    assert none["goroutines"] == [] and none["total"] == int(core.facts()["goroutines"][0])


def test_text_rows(core: Core) -> None:
    run = on_core(core, "go-goroutines", "go-goroutines --limit 2", "go-goroutines --wait-reason nothing")
    head, *rows, footer, quarters = lines_of(run, 0)
    own = [said(core)[goid] for goid in sorted(own_ids(core))]
    check_columns(head, rows)
    for row, each in zip(rows, own):
        frame = users_frame(each.frames)
        assert row.split()[0].lstrip("*") == str(each.id)
        assert f"  {each.status}" in row and f"  {frame.function} " in row and f":{frame.line}" in row
    assert len(rows) == len(own)
    hidden = len(said(core)) - len(own)
    assert footer == f"({len(own)} goroutines; {hidden} of the runtime's own not shown (--all))"
    assert sum(map(int, re.findall(r"\d+", quarters))) == len(own) and quarters.startswith("(channel ")
    assert lines_of(run, 1)[-2].startswith(f"(2 of {len(own)} goroutines; ") and lines_of(run, 1)[-1] == quarters
    assert lines_of(run, 2)[-1].startswith("(0 goroutines")


def check_columns(head: str, rows: List[str]) -> None:
    """Every cell stands under its title: on its left edge, or on its right one for numbers."""
    spans = [(m.start(), m.end()) for m in re.finditer(r"\S+(?: \S+)*", head)]
    for row in rows:
        assert row == row.rstrip() and "\t" not in row
        for start, end in spans:
            title, line = head[start:end], row.ljust(len(head) + 1)
            if title in ("ID", "BLOCKED", "THREAD"):
                assert line[end] == " " and (line[end - 1] != " " or not line[start:end].strip())
            else:
                assert line[start - 2 : start] == "  "


def test_stacks_in_text(core: Core) -> None:
    shallow, default, full = on_core(core, "go-goroutines -t 2", "go-goroutines -t", "go-goroutines -t 100").outputs
    for output, depth in ((shallow, 2), (default, 10), (full, 100)):
        parts = re.split(r"^(?= ?\d+  \S)", output, flags=re.M)[1:]
        for part in parts:
            each = said(core)[int(part.split()[0])]
            found = re.findall(r"^    ..  (0x[0-9a-f]+) in (\S+)( \(inlined\))?\n          at (.+):(\d+)$", part, re.M)
            if each.status != "running":
                frames = each.frames[:depth]
                assert [(name, file, int(line)) for _, name, _, file, line in found] == list(map(place_of, frames))
                assert [bool(inlined) for _, _, inlined, _, _ in found] == [f.inlined for f in frames]


@pytest.mark.parametrize("version,arch", matrix.few())
def test_one_goroutine(version: str, arch: str) -> None:
    core = crash_core(version, arch)
    goid = next(g.id for g in said(core).values() if any("throughInlined" in f.function for f in g.frames))
    each = said(core)[goid]
    run = on_core(core, f"go-goroutine {goid}", f"go-goroutine {goid} --json", "go-goroutine")
    text = run.outputs[0]
    assert text.startswith(f"goroutine {goid} [chan receive]\n")
    for frame in each.frames:
        assert f" in {frame.function}({frame.args})\n        at {frame.file}:{frame.line}\n" in text
    assert json.loads(run.outputs[1])["goroutine"]["id"] == goid
    crashed = next(g.id for g in said(core).values() if g.status == "running")
    assert run.outputs[2].startswith(f"goroutine {crashed} [running]\n")


def test_json_and_output(core: Core, tmp_path: Path) -> None:
    file = tmp_path / "goroutines.json"
    run = on_core(core, "go-goroutines --json", f"go-goroutines --json --output {file}", "go-goroutines --output /no/x")
    document = json.loads(run.outputs[0])
    assert document["schema"] == "goxray.go-goroutines/1"
    assert document["target"].keys() == {"go_version", "arch", "kind", "executable", "layout", "layout_source"}
    keys = {"id", "status", "wait_reason", "wait_seconds", "thread", "system", "locked", "parent_id", "created_by"}
    keys |= {"start", "user_frame", "labels"}
    assert all(keys <= each.keys() for each in document["goroutines"])
    assert run.outputs[1] == "" and json.loads(file.read_text()) == document
    assert run.stderr.splitlines()[-1] == "cannot write /no/x: No such file or directory"


WAITS = """package main

import (
	"fmt"
	"runtime"
	"time"
)

//go:noinline
func blocks(c chan int) { <-c }

func main() {
	runtime.GC()
	time.Sleep(2 * time.Second)
	go blocks(make(chan int))
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	time.Sleep(time.Minute)
}
"""


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_blocked_is_no_bound(version: str) -> None:
    """The runtime counts from the collection before: it says two seconds of one that has waited for 0.2."""
    core = take_core(build("blocks", version, files={"blocks.go": WAITS}), abort_at="ready")
    run = on_core(core, "go-goroutines --function main.blocks", "go-goroutines --function main.blocks --json")
    (row,) = lines_of(run, 0)[1:-2]
    (waiting,) = json.loads(run.outputs[1])["goroutines"]
    assert 2 <= waiting["wait_seconds"] < 60
    assert f" ~{waiting['wait_seconds']:.1f}s " in row or f" ~{int(waiting['wait_seconds'])}s " in row


WRONG = {
    "go-goroutines --status sleeping": "no goroutine status 'sleeping'; there are: ",
    "go-goroutines --sort size": "go-goroutines: argument --sort: invalid choice: 'size'",
    "go-goroutines --function '('": "bad regular expression '('",
    "go-goroutines --limit -1": "go-goroutines: argument --limit: ",
    "go-goroutines -t deep": "go-goroutines: argument -t: invalid number value: 'deep'",
    "go-goroutines --frobnicate": "go-goroutines: unrecognized arguments: --frobnicate",
    "go-goroutines 'open": "cannot split the arguments: ",
    "go-goroutine 123456": "there is no goroutine 123456",
    "go-goroutine main": "go-goroutine: argument ID: invalid number value: 'main'",
}


@pytest.mark.parametrize("command", WRONG)
def test_wrong_options_get_one_line(core: Core, command: str) -> None:
    quiet = on_core(core, "echo").stderr
    run = on_core(core, command, "print $_go_status", f"{command} --json")
    lines = run.stderr[len(quiet) :].splitlines()
    assert len(lines) == 2 and all(line.startswith(WRONG[command]) for line in lines)
    assert (run.outputs[0], lines_of(run, 1)) == ("", ["$1 = 2"])
    assert json.loads(run.outputs[2])["error"] == lines[1]
