"""go-waits on planted waits: the program told the addresses, and its own traceback which goroutine stands where."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, List, Tuple

import pytest

from shared_core.commands.runner import execute
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, healthy_core, take_core
from tests.support.gdb import on_core
from tests.support.traceback import by_id, parse_traceback

Document = Dict[str, Any]


def waits_core(version: str, arch: str, *args: str) -> Core:
    return take_core(build("waits", version, arch), args, abort_at=None if args else "ready")


def answer(core: Core, words: str = "--json", command: str = "go-waits") -> Tuple[str, int]:
    return execute(lambda: Session(CoreTarget(str(core.exe), str(core.core))), command, words)


def document(core: Core, words: str = "") -> Document:
    found: Document = json.loads(answer(core, f"--json {words}")[0])
    return found


def by_function(core: Core, found: Document) -> Dict[str, List[Document]]:
    """Function of package main -> what the goroutines wait for that the runtime itself says are in it."""
    rows = {row["id"]: row for row in found["goroutines"]}
    functions: Dict[str, List[Document]] = {}
    for goid, goroutine in by_id(parse_traceback(core.stderr)).items():
        names = {frame.function for frame in goroutine.frames if frame.function.startswith("main.")}
        for name in names if goid in rows else ():
            functions.setdefault(name[len("main.") :], []).append(rows[goid])
    return functions


def told(core: Core) -> Dict[str, str]:
    return {name: values[0] for name, values in core.facts().items()}


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_channels(version: str, arch: str) -> None:
    core = waits_core(version, arch)
    found, facts = document(core), told(core)
    functions, channels = by_function(core, found), {each["address"]: each for each in found["channels"]}
    receivers, senders = functions["receives"], functions["sends"]
    (selecting,) = functions["selects"]
    for row in receivers:
        assert row["waits_for"]["cases"] == [{"direction": "receive", "channel": facts["quiet"]}]
    for row in senders:
        assert row["waits_for"]["cases"] == [{"direction": "send", "channel": facts["full"]}]
    quiet, full = channels[facts["quiet"]], channels[facts["full"]]
    assert (quiet["elem"], quiet["len"], quiet["cap"], quiet["senders"]) == ("int", 0, 0, [])
    assert set(quiet["receivers"]) == {row["id"] for row in [*receivers, selecting]}
    assert (full["elem"], full["len"], full["cap"], full["receivers"]) == ("*main.job", 2, 2, [])
    assert set(full["senders"]) == {row["id"] for row in senders}
    cases = selecting["waits_for"]["cases"]
    assert {(case["channel"], case["direction"]) for case in cases} >= {
        (facts["quiet"], "receive"), (facts["bools"], "send"),
    }  # fmt: skip
    assert len(cases) == 3 and selecting["waits_for"]["kind"] == "select"
    texts = {name: functions[name][0]["waits_for"]["text"] for name in ("receivesNil", "sendsNil", "selectsNothing")}
    assert list(texts.values()) == ["receive from a nil channel", "send to a nil channel", "select with no cases"]


LOCKS = {
    "locks": ("sync.Mutex", "held", "lock"),
    "locksPackageLock": ("sync.Mutex", "packageLock", "lock"),
    "locksForNobody": ("sync.Mutex", "lonely", "lock"),
    "readsWritten": ("sync.RWMutex", "written", "read"),
    "writesWritten": ("sync.RWMutex", "written", "lock"),
    "writesRead": ("sync.RWMutex", "read", "write"),
    "waitsForGroup": ("sync.WaitGroup", "group", "wait"),
    "waitsForOnce": ("sync.Once", "once", "lock"),
}


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_locks(version: str, arch: str) -> None:
    core = waits_core(version, arch)
    found, facts = document(core), told(core)
    functions = by_function(core, found)
    for function, (kind, fact, wants) in LOCKS.items():
        for row in functions[function]:
            waits = row["waits_for"]
            assert (waits["kind"], waits["address"], waits["wants"]) == (kind, facts[fact], wants), function
            assert row["called_from"]["function"] == f"main.{function}"
    locks = {(each["address"], each["kind"]): each for each in found["locks"]}
    held = locks[facts["held"], "sync.Mutex"]
    assert held["locked"] is True and set(held["waiters"]) == {row["id"] for row in functions["locks"]}
    assert locks[facts["group"], "sync.WaitGroup"]["counter"] == 3
    read = locks[facts["read"], "sync.RWMutex"]
    assert (read["readers"], read["writer"], read["writer_next"]) == (1, False, True)
    assert locks[facts["written"], "sync.RWMutex"]["writer"] is True
    conds = functions["waitsForCond"]
    assert [row["waits_for"]["address"] for row in conds] == [facts["cond"]] * 2
    assert all(set(row["waits_for"]["waiters"]) == {each["id"] for each in conds} for row in conds)


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_holders_and_cycles(version: str, arch: str) -> None:
    """Those that hold a lock are named; the one that main locked and forgot has nobody; two wait for each other."""
    core = waits_core(version, arch)
    found, facts = document(core), told(core)
    functions = by_function(core, found)
    holders = {each["address"]: each["holders_inferred"] for each in found["locks"] if each["kind"] == "sync.Mutex"}
    assert holders[facts["held"]] == [functions["holds"][0]["id"]]
    assert holders[facts["packageLock"]] == [functions["holdsPackageLock"][0]["id"]]
    assert holders[facts["lonely"]] == []
    two = {row["waits_for"]["address"]: row["id"] for row in functions["locksTwo"]}
    assert set(two) == {facts["first"], facts["second"]}
    assert [holders[facts["first"]], holders[facts["second"]]] == [[two[facts["second"]]], [two[facts["first"]]]]
    (cycle,) = found["cycles"]
    assert {step["goroutine"]: step["address"] for step in cycle} == {goid: address for address, goid in two.items()}
    text, status = answer(core, "")
    assert status == 1 and "\ncycle: goroutine " in text and "all asleep" not in text


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_time_files_and_system_calls(version: str, arch: str) -> None:
    core = waits_core(version, arch)
    found, facts = document(core), told(core)
    functions = by_function(core, found)
    assert 3500 < functions["sleeps"][0]["waits_for"]["seconds_left"] <= 3600
    texts = {row["waits_for"]["cases"][0]["channel"]: row["waits_for"]["text"] for row in functions["waitsForTimer"]}
    assert "timer, 1h59m left" in texts[facts["timer"]] or "timer, 2h00m left" in texts[facts["timer"]]
    # Up to Go 1.22 nothing leads from a channel to a timer that is stopped.
    assert texts[facts["stopped"]].endswith("timer, stopped)") == (int(version.split(".")[1]) >= 23)
    assert "every 3h00m" in functions["waitsForTicker"][0]["waits_for"]["text"]
    pipe = functions["readsPipe"][0]["waits_for"]
    assert (pipe["kind"], pipe["direction"], pipe["network"]) == ("network poll", "read", "file")
    call = functions["readsRaw"][0]["waits_for"]
    assert (call["number"], call["name"]) == ({"amd64": 0, "arm64": 63}[arch], "read")
    quarters = found["quarters"]
    assert [quarters[key] for key in ("network_poll", "system_call", "runtime_gc")] == [1, 1, 0]
    assert sum(quarters.values()) == found["total"] == len(found["goroutines"])


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_quarters_are_the_same_everywhere(version: str, arch: str) -> None:
    """By status and reason alone as by what each waits for; in 1.19 one reason is that of all locks."""
    session = Session(CoreTarget(*map(str, (waits_core(version, arch).exe, waits_core(version, arch).core))))
    commands = ("go-waits", "go-leaks", "go-sched", "go-crash", "go-goroutines")
    words = [(name, "") for name in commands] + [("go-goroutines", "--group user"), ("go-goroutines", "--stats")]
    answers = [json.loads(execute(lambda: session, name, f"--json {more}")[0]) for name, more in words]
    assert [answer["quarters"] for answer in answers] == [answers[0]["quarters"]] * len(answers)
    rows = execute(lambda: session, "go-waits", "--json")[0]
    assert Counter(row["quarter"] for row in json.loads(rows)["goroutines"])["lock"] == answers[0]["quarters"]["lock"]
    last = [execute(lambda: session, name, more)[0].splitlines()[-1] for name, more in words if name != "go-crash"]
    assert {line.partition("; GC")[0].rstrip(")") for line in last} == {last[-1].rstrip(")")}


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_all_asleep_as_the_runtime_says(version: str, arch: str) -> None:
    core = waits_core(version, arch, "deadlock")
    assert "all goroutines are asleep - deadlock!" in core.stderr
    found = document(core)
    assert found["all_asleep"] is True
    assert not document(waits_core(version, arch))["all_asleep"]
    assert not document(healthy_core(version, arch))["all_asleep"]


ENDS = [("1.27", "amd64"), ("1.23", "amd64"), ("1.19", "amd64"), ("1.27", "arm64")]


@pytest.mark.parametrize("version,arch", ENDS)
def test_sockets(version: str, arch: str) -> None:
    core = take_core(build("sockets", version, arch), abort_at="ready")
    functions, facts = by_function(core, document(core)), core.facts()
    ends = {}
    for name, rows in functions.items():
        for row in (row for row in rows if row["waits_for"]["kind"] == "network poll"):
            poll = row["waits_for"]
            ends[name, poll["network"]] = (poll["direction"], poll["local"], poll["remote"])
    assert ends["accepts", "tcp"] == ("read", facts["accepts"][0], None)
    assert ends["accepts", "unix"][:2] == ("read", facts["unix"][0])
    assert ends["reads", "tcp"] == ("read", *facts["reads"])
    assert ends["writes", "tcp"] == ("write", *facts["writes"])
    assert {end[:2] for (name, _), end in ends.items() if name == "receives"} == {("read", facts["receives"][0])}


def test_other_forms() -> None:
    """As a graph, in another order, a few of them; and in gdb."""
    core = waits_core(matrix.newest(), "amd64")
    dot, facts = answer(core, "--dot")[0], told(core)
    assert dot.startswith("digraph waits {") and dot.endswith("}\n") and dot.count("{") == dot.count("}")
    assert f"t{int(facts['quiet'], 16):x} [shape=ellipse" in dot and 'label="held, it seems, by"' in dot
    lines = answer(core, "--sort what --limit 4")[0].splitlines()
    assert len(lines) >= 7 and any(line.startswith("(4 of ") for line in lines)
    run = on_core(core, "go-waits", "go-waits --json")
    assert run.outputs[0] == answer(core, "")[0]
    assert json.loads(run.outputs[1])["channels"] == document(core)["channels"]
