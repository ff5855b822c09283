"""Stack maps, arguments and the process's own facts over cores, against DWARF of the twin and what the program said."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest

from shared_core.commands.runner import run
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.cores import Core, crash_core, healthy_core, take_core
from tests.support.dwarfvars import WORD, Variable, Variables

ABORTS = """package main

import (
	"os"
	"syscall"
)

func main() {
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
"""
NOOPT = [(v, a) for v, a in matrix.pairs() if matrix.is_full() or v in ("1.27", "1.24", "1.19")]
Document = Dict[str, Any]


def ask(core: Core, command: str, words: str) -> Document:
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    outcome = run(lambda: session, command, f"{words} --json")
    assert outcome.error == ""
    document: Document = json.loads(outcome.text)
    return document


def frames(core: Core) -> Iterator[Document]:
    """Every frame of every goroutine of the program's own, with its slots."""
    for goroutine in ask(core, "go-goroutines", "")["goroutines"]:
        yield from ask(core, "go-stackmap", f"--goroutine {goroutine['id']}")["frames"]


def slots(frame: Document) -> List[Tuple[int, bool, int]]:
    """(address, whether the map calls it a pointer, value) of the frame's argument and local words."""
    return [(int(s["address"], 0), s["pointer"], int(s["value"], 0)) for s in (*frame["args"], *frame["locals"])]


def covering(variables: List[Variable], pc: int, offset: int) -> List[Tuple[str, bool]]:
    """(name, whether its type has a pointer there) of the variables that lie at `offset` from the frame's fp."""
    placed = [(variable, variable.offset_at(pc)) for variable in variables]
    return [
        (variable.name, offset - start in variable.pointers)
        for variable, start in placed
        if start is not None and start <= offset < start + max(variable.size, WORD)
    ]


@pytest.mark.parametrize(("version", "arch"), NOOPT)
def test_pointer_slots_are_pointer_words_of_the_variables_there(version: str, arch: str) -> None:
    """Compiler temporaries have no DWARF; where a variable is, the map must agree with its type."""
    variables: Dict[str, List[Variable]] = {}
    checked, functions = 0, set()
    for core in (healthy_core(version, arch, Flags(noopt=True)), crash_core(version, arch, "panic", Flags(noopt=True))):
        variables = Variables(core.twin, "main").by_function
        for frame in frames(core):
            for address, pointer, _ in slots(frame):
                offset = address - int(frame["fp"], 0)
                there = covering(variables.get(frame["function"], []), int(frame["pc"], 0) - 1, offset)
                if there and pointer:
                    assert any(is_pointer for _, is_pointer in there), (frame["function"], there, offset)
                    checked += 1
                    functions.add(frame["function"])
    assert checked >= 10, (checked, functions)
    assert len(functions) >= 5, functions


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_pointer_slots_hold_no_numbers(version: str, arch: str) -> None:
    """The runtime aborts on a live pointer slot with a small number in it; every one must be nil or lead somewhere."""
    found = 0
    for core in (crash_core(version, arch), healthy_core(version, arch)):
        for frame in frames(core):
            for slot in (*frame["args"], *frame["locals"]):
                if slot["pointer"] and int(slot["value"], 0):
                    assert slot["target"] != "unreadable", (frame["function"], slot)
                    assert int(slot["value"], 0) >= 4096, (frame["function"], slot)
                    found += 1
    assert found >= 40


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_what_the_program_said_it_waits_on_is_in_its_pointer_slots(version: str, arch: str) -> None:
    core = healthy_core(version, arch)
    said = dict(fact.split() for fact in core.facts()["channel"])
    waiter = int(core.facts()["pointer"][0].split()[1], 0)
    held: Dict[str, Set[int]] = {}
    words: Dict[str, Set[int]] = {}
    for frame in frames(core):
        held.setdefault(frame["function"], set()).update(value for _, pointer, value in slots(frame) if pointer)
        words.setdefault(frame["function"], set()).update(value for _, _, value in slots(frame))
    assert int(said["fullStrings"], 0) in held["runtime.chansend"]
    assert waiter in held["main.(*waiter).send"]
    # Up to Go 1.22 the channel is no longer alive in chanrecv while it waits; its word is there all the same.
    assert int(said["quietInts"], 0) in words["runtime.chanrecv"]


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_arguments_and_environment_are_those_it_was_started_with(version: str, arch: str) -> None:
    core = crash_core(version, arch)
    answer = ask(core, "go-args", "--env")
    assert answer["args"] == list(core.args) == core.facts()["arg"]
    assert answer["env"] == core.facts()["env"]
    # qemu hands the environment on in another order.
    assert sorted(answer["env"]) == sorted(f"{name}={value}" for name, value in core.environment.items())


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_program_without_environment(version: str, arch: str) -> None:
    core = take_core(build("aborts", version, arch, files={"aborts.go": ABORTS}), ["x"], {"GOTRACEBACK": "crash"})
    assert ask(core, "go-args", "--env")["env"] == ["GOTRACEBACK=crash"]


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_arguments_of_frames_are_what_the_program_passed(version: str, arch: str) -> None:
    """The pointer that the program printed is an argument of the functions it was handed down to."""
    core = crash_core(version, arch)
    request = int(core.facts()["request"][0], 0)
    stack = ask(core, "go-args", "--frame")["frames"]
    assert [frame["function"] for frame in stack].count("main.(*server).handle") == 3
    for function in ("main.goDown", "main.dispatch"):
        found = [frame for frame in stack if frame["function"] == function]
        assert len(found) == 1
        assert request in {int(word["value"], 0) for word in found[0]["args"]}
