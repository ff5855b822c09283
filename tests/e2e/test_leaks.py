"""go-leaks on planted leaks beside what only waits, against the runtime's own leak detection where it has one."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Set, Tuple

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

# Function of package main -> (how many wait in it, the strongest evidence).
CERTAIN = {
    "sendsToNobody": (3, "unreachable"), "receivesFromNobody": (3, "unreachable"),
    "selectsFromNobody": (3, "unreachable"), "replies": (3, "unreachable"), "waitsForEachOther": (6, "unreachable"),
    "waitsForLostGroup": (3, "unreachable"), "locksLost": (3, "unreachable"), "waitsForLostCond": (3, "unreachable"),
    "receivesNil": (1, "nil"), "selectsNothing": (1, "nil"), "sleepsForEver": (1, "timer"),
}  # fmt: skip
LIKELY = {
    "locksLong": (5, "lock"), "sendsResult": (3, "senders"), "waitsForStopped": (1, "timer"), "locksTwo": (2, "cycle"),
}  # fmt: skip
POSSIBLE = {"client": (120, "long"), "idleWorker": (5, "long")}


def leaks_core(version: str, arch: str) -> Core:
    return take_core(build("leaks", version, arch), abort_at="ready")


def session_of(core: Core) -> Session:
    return Session(CoreTarget(str(core.exe), str(core.core)))


def answer(core: Core, words: str) -> Tuple[str, int]:
    return execute(lambda: session_of(core), "go-leaks", words)


def groups(core: Core, words: str = "") -> List[Document]:
    found: List[Document] = json.loads(answer(core, f"--json {words}")[0])["groups"]
    return found


def by_function(found: List[Document], sure: str) -> Dict[str, Tuple[int, Set[str]]]:
    """Function -> (how many, the kinds of evidence) of the groups that are as sure."""
    functions: Dict[str, Tuple[int, Set[str]]] = {}
    for group in (each for each in found if each["sure"] == sure):
        name = group["called_from"]["function"][len("main.") :]
        count, kinds = functions.get(name, (0, set()))
        functions[name] = count + group["count"], kinds | {each["kind"] for each in group["evidence"]}
    return functions


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_every_planted_leak_and_nothing_else(version: str, arch: str) -> None:
    core = leaks_core(version, arch)
    found = groups(core, "--min-wait 200ms --sure possible")
    for sure, planted in (("certain", CERTAIN), ("likely", LIKELY), ("possible", POSSIBLE)):
        functions = by_function(found, sure)
        assert {name: count for name, (count, _) in functions.items()} == {n: c for n, (c, _) in planted.items()}
        assert all(kind in functions[name][1] for name, (_, kind) in planted.items())
    # The runtime itself says who is in which function.
    printed = by_id(parse_traceback(core.stderr))
    for group in found:
        function = group["called_from"]["function"]
        assert all(function in {frame.function for frame in printed[goid].frames} for goid in group["ids"])
    ranks = [_rank(group["sure"]) for group in found]
    assert ranks == sorted(ranks)


def _rank(sure: str) -> int:
    return ("certain", "likely", "possible").index(sure)


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_without_time(version: str, arch: str) -> None:
    """By default a wait of a second is no evidence; what nothing can end still is."""
    core = leaks_core(version, arch)
    text, status = answer(core, "")
    assert status == 1
    found = groups(core)
    assert set(by_function(found, "certain")) == set(CERTAIN)
    stopped = {"waitsForStopped"} if int(version.split(".")[1]) >= 23 else set()
    assert set(by_function(found, "likely")) == {"locksTwo"} | stopped
    assert f"{sum(count for count, _ in CERTAIN.values()) + 2 + len(stopped)} goroutines;" in text


def test_as_the_collector_finds_them() -> None:
    """Go 1.27's profile of leaked goroutines, printed by another run of the same program."""
    version = matrix.newest()
    profiled = take_core(build("leaks", version, "amd64"), ["profile"], abort_at="ready")
    names = re.findall(r"^goroutine \d+ .*leaked.*:\n(?:.*\n)*?\n", profiled.stdout + "\n", re.M)
    theirs = {name for block in names for name in re.findall(r"^main\.(\w+)\(", block, re.M)}
    ours = set(by_function(groups(leaks_core(version, "amd64")), "certain")) - {"sleepsForEver"}
    assert ours == theirs - {"abandon", "main"}
    evidence = {each["kind"] for group in groups(profiled) for each in group["evidence"]}
    assert "runtime" in evidence


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_healthy_programs(version: str, arch: str) -> None:
    """Of one that parks a goroutine at everything, only what waits at nil is claimed; of a busy one nothing."""
    found = groups(healthy_core(version, arch), "--min-wait 1ms")
    assert set(by_function(found, "certain")) <= {"readNil"}
    busy = take_core(build("busy", version, arch), abort_at="ready")
    text, status = answer(busy, "")
    assert status == 0 and text.startswith("(no goroutine looks abandoned; "), text


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_web_service(version: str) -> None:
    """Under load, with requests that are cancelled and clients that are slow: nothing is claimed, however short."""
    core = take_core(build("service", version), abort_at="ready")
    assert int(core.facts()["served"][0]) > 100
    text, status = answer(core, "--min-wait 10s --sure likely")
    assert status == 0 and text.startswith("(no goroutine looks abandoned; "), text
    document = json.loads(execute(lambda: session_of(core), "go-waits", "--json")[0])
    assert document["cycles"] == [] and document["all_asleep"] is False


def test_other_forms() -> None:
    core = leaks_core(matrix.newest(), "amd64")
    text, _ = answer(core, "--limit 2")
    assert text.count("\n       certain: ") == 2 and "\n(2 of " in text
    run = on_core(core, "go-leaks --min-wait 200ms")
    assert run.outputs[0] == answer(core, "--min-wait 200ms")[0]
    assert by_function(groups(core, "--without func main.replies"), "certain").keys() == CERTAIN.keys() - {"replies"}
