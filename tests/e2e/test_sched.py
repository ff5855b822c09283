"""go-sched against what the runtime's own scheduler trace says of a program in which nothing moves any more."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Tuple

import pytest

from tests.e2e.answers import Document, lines_of
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import ENVIRONMENT, Core, many_core, take_core
from tests.support.gdb import live, on_core, run_gdb
from tests.support.standalone import goxray

# Nobody is preempted, nothing is collected: what the trace says stays so.
SETTINGS = {"GODEBUG": "schedtrace=50,scheddetail=1,asyncpreemptoff=1", "GOMAXPROCS": "4", "GOGC": "off"}
RUNNABLE, MADE, READS = 300, 70, 25  # as in the program
Line = Dict[str, str]


def stuck(version: str, arch: str) -> Core:
    return take_core(build("sched", version, arch), ["stuck"], {**ENVIRONMENT, **SETTINGS}, abort_at="ready")


def answer(core: Core) -> Document:
    done = goxray("sched", "--json", core.exe, core.core)
    assert done.returncode == 0, done.stderr
    document: Document = json.loads(done.stdout)
    return document


def trace(core: Core) -> Tuple[Line, List[Line], List[Line], List[Line]]:
    """The last scheduler trace but one before the program was aborted: its head, Ps, Ms and Gs, each with "n".

    The last one is cut where the program goes down while it is printed.
    """
    text = core.stderr.split("SIGABRT: abort")[0]
    head, *lines = re.split(r"^SCHED ", text, flags=re.M)[-2].splitlines()
    found: Dict[str, List[Line]] = {"P": [], "M": [], "G": []}
    for line in lines:
        match = re.match(r"  ([PMG])(\d+): ", line)
        if match:
            found[match.group(1)].append({"n": match.group(2), **_fields(line)})
    return _fields(head), found["P"], found["M"], found["G"]


def _fields(line: str) -> Line:
    # Up to Go 1.20 what is none is -1.
    return {name: "nil" if value == "-1" else value for name, value in re.findall(r"(\w+)=(\S*)", line)}


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "nil" if value is None else str(value)


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_the_same_as_the_runtimes_own_trace(version: str, arch: str) -> None:
    core = stuck(version, arch)
    head, ps, ms, gs = trace(core)
    document = answer(core)
    assert len(ps) == int(core.facts()["gomaxprocs"][0]) == document["gomaxprocs"] == 4
    names = {
        "gomaxprocs": "gomaxprocs", "idleprocs": "idle_processors", "threads": "threads",
        "spinningthreads": "spinning", "idlethreads": "idle_machines", "runqueue": "queued", "nmidlelocked": "locked",
    }  # fmt: skip
    assert {theirs: text_of(document[ours]) for theirs, ours in names.items()} == {name: head[name] for name in names}
    statuses = {"idle": "0", "running": "1", "syscall": "2", "gcstop": "3"}
    for theirs, ours in zip(ps, document["processors"]):
        assert (theirs["n"], theirs["status"], theirs["m"]) == (
            *(str(ours["id"]), statuses[ours["status"]], text_of(ours["m"])),
        )
        ticks = (ours["sched_ticks"], ours["syscall_ticks"], len(ours["queue"]), ours["free_goroutines"])
        assert (theirs["schedtick"], theirs["syscalltick"], theirs["runqsize"], theirs["gfreecnt"]) == (
            *map(str, ticks),
        )
        assert theirs["timerslen"] == str(ours["timers"])
    assert [p["status"] for p in document["processors"]] == ["running"] * 4
    shown = {str(each["m"]): each for each in document["machines"]}
    assert shown.keys() == {m["n"] for m in ms}
    for m in ms:
        ours = shown[m["n"]]
        assert (m["p"], m["curg"], m["lockedg"]) == (
            *(text_of(ours["p"]), text_of(ours["goroutine"]), text_of(ours["locked_goroutine"])),
        )
        # Up to Go 1.20 these are numbers and words of other versions: true or false in all.
        assert (m["spinning"], m["blocked"]) == (text_of(ours["spinning"]), text_of(ours["blocked"]))
    check_goroutines(document, gs)


def check_goroutines(document: Document, gs: List[Line]) -> None:
    """_Gdead and _Gidle, 6 and 0, are none."""
    live_ones = [g for g in gs if g["status"].partition("(")[0] not in ("0", "6")]
    assert sum(document["goroutines"].values()) == len(live_ones)
    waiting = [g["n"] for g in live_ones if g["status"].startswith("1(")]
    # On a busy machine one or the other may have run before all were made: then it has ended.
    assert document["goroutines"]["runnable"] == len(waiting) and RUNNABLE - 10 < len(waiting) <= RUNNABLE
    # All of them are in a queue, each once: in the P's own, before it, or in the global one.
    queued = list(document["global_queue"])
    for p in document["processors"]:
        queued += [*p["queue"], *([p["next"]] if p["next"] is not None else [])]
    assert sorted(queued) == sorted(int(n) for n in waiting)
    assert document["queued"] == len(document["global_queue"]) > 0
    # Ids come in batches, of which Ps have not given all; few goroutines have ended.
    assert len(live_ones) <= document["created"] <= len(live_ones) + 2 + RUNNABLE - len(waiting)
    assert document["created"] <= max(int(g["n"]) for g in gs)
    calls = [m for m in document["machines"] if m["state"] == "syscall"]
    assert len(calls) == 1 and calls[0]["p"] is None
    locked = [m for m in document["machines"] if m["locked_goroutine"] is not None]
    assert sorted(m["state"] for m in locked if m["goroutine"] is None) == ["locked", "locked"]


@pytest.mark.parametrize("version", [matrix.newest(), "1.24", "1.22", matrix.oldest()])
def test_since_the_last_stop(version: str) -> None:
    built = build("sched", version)
    before = ["set startup-with-shell off", "handle SIGUSR1 stop nopass", "set environment GOGC off"]
    run = run_gdb(
        ["go-sched --json", "continue", "go-sched --json --since", "go-sched --since 5", "go-sched --since"],
        exe=built.exe,
        before=[*before, "set args steps", "run"],
    )
    first, then = json.loads(run.outputs[0]), json.loads(run.outputs[2])
    assert "error" not in then, (then, run.stdout[-3000:], run.stderr[-3000:])
    assert first["change"] is None
    change = then["change"]
    assert change["goroutines_made"] == then["created"] - first["created"] == MADE
    assert change["goroutines_ended"] == MADE - MADE // 7
    assert sum(then["goroutines"].values()) == sum(first["goroutines"].values()) + MADE // 7
    assert READS <= sum(p["syscall_ticks"] for p in change["processors"]) <= READS + 10
    # One that goes next by itself runs on in the time slice of the one before.
    assert sum(p["sched_ticks"] for p in change["processors"]) >= MADE // 2 and change["collections"] == 0
    assert "the program stands still" in run.stderr
    assert re.search(r"^since +\d+\.\d s ago: 0 goroutines made, 0 ended, 0 time slices", run.outputs[4], re.M)


def test_since_without_a_debugger() -> None:
    built = build("healthy", matrix.newest())
    with live(built) as program:
        pid = str(program.pid)
        document = json.loads(goxray("sched", "--json", "--pid", pid, "--since", "300ms").stdout)
        assert document["change"]["seconds"] >= 0.3 and document["change"]["goroutines_made"] == 0
        assert "this is the first look" in goxray("sched", "--pid", pid, "--since").stderr
        assert "the program stands still" in goxray("sched", "--stop", "--pid", pid, "--since", "1").stderr
    core = stuck(matrix.newest(), "amd64")
    assert "nothing changes in a core" in goxray("sched", core.exe, core.core, "--since").stderr


def test_text() -> None:
    core = stuck(matrix.newest(), "amd64")
    lines = lines_of(on_core(core, "go-sched"), 0)
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in lines[:5])
    assert rows["GOMAXPROCS"] == "4, set explicitly; 0 idle"
    assert re.fullmatch(r"\d+: \d+ runnable, 4 running, 1 syscall, \d+ waiting; \d+ made so far", rows["goroutines"])
    assert rows["global queue"].endswith(" ...") and "everything is to stop: the program goes down" in rows["waits"]
    assert len([line for line in lines if re.match(r"\d  running ", line)]) == 4


def test_a_hundred_thousand_goroutines() -> None:
    core = many_core(matrix.newest(), 100_000)
    document = answer(core)
    assert sum(document["goroutines"].values()) >= 100_000
    assert document["created"] >= sum(document["goroutines"].values())
