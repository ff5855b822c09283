"""go-refs and go-find on references that the program planted, and on those that its heap dump shows."""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections import Counter
from functools import lru_cache
from typing import Any, Dict, List, Set, Tuple

import pytest

from shared_core.commands.runner import execute
from shared_core.runtime.heap.survey import survey_of
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.cores import Core, take_core
from tests.support.heapdump import HeapDump, read_dump

PAIRS = matrix.pairs()
_HOLDERS = ("main.hold", "main.main.gowrap1", "main.main.func1")


@lru_cache(maxsize=2)
def opened(version: str, arch: str) -> Tuple[Core, Session, HeapDump]:
    core = take_core(build("heap", version, arch))
    return core, Session(CoreTarget(str(core.exe), str(core.core))), read_dump(core.left("heap.dump"))


def answer(session: Session, command: str) -> Dict[str, Any]:
    name, _, words = command.partition(" ")
    text, status = execute(lambda: session, name, f"{words} --json")
    assert status == 0, text
    document: Dict[str, Any] = json.loads(text)
    return document


def fact(core: Core, name: str) -> str:
    return hex(int(core.facts()[name][0]))


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_the_chain_that_was_planted(version: str, arch: str) -> None:
    """global -> map -> its group or bucket -> slice -> struct -> closure -> channel -> its buffer -> object."""
    core, session, _ = opened(version, arch)
    document = answer(session, f"go-refs {fact(core, 'chain')} --paths 5")
    (path,) = document["paths"]  # there is no other way to it
    root, steps = path["root"], path["steps"]
    assert root["kind"] == "global" and "(bss)" in root["text"]
    assert len(steps) == 8 and steps[-1]["address"] == fact(core, "chain")
    # Each word on the way points to where the next object begins: asked of memory.
    for before, step in zip([None, *steps], steps):
        place = int(step["place"], 16)
        assert hex(session.memory.u64(place)) == step["address"]
        if before is not None:
            assert 0 <= place - int(before["base"], 16) < before["size"]
    types = [step["type"] for step in steps]
    assert types[4:] == ["func main.plant.func1", "runtime.hchan", "[...]*main.target", "main.target"]
    # map header, slice of two pointers, struct of two words: as large as these are.
    assert [steps[i]["size"] for i in (0, 2, 3)] == [48, 16, 16]
    assert document["kept"] and document["total_referrers"] == 1
    (referrer,) = document["referrers"]
    assert referrer["object"]["address"] == steps[-2]["address"] and referrer["type"] == "[...]*main.target"


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_referrers_are_those_of_the_heap_dump(version: str, arch: str) -> None:
    """Of some objects: all whose words the dump has as pointers into them, and nothing else."""
    _, session, dump = opened(version, arch)
    into: Dict[int, Set[int]] = {}
    bases = sorted(dump.objects)
    survey = survey_of(session)
    for base, found in dump.objects.items():
        if survey.table.slot(base) < 0:
            continue  # a span's own bitmap, which the dump takes for objects
        for offset in found.slots:
            word = session.memory.u64(base + offset)
            to = bases[bisect_right(bases, word) - 1]
            if to <= word < to + dump.objects[to].size:
                into.setdefault(to, set()).add(base)
    chosen = random.Random(version).sample(sorted(into), 60)
    graph, table = survey.graph, survey.table
    for target in chosen:
        sources = {table.base(source) for source, _ in graph.referrers([table.slot(target)])}
        assert sources == into[target], hex(target)
    document = answer(session, f"go-refs {chosen[0]:#x} --limit 10000")
    shown = {int(each["object"]["base"], 16) for each in document["referrers"] if each["object"]}
    assert shown == into[chosen[0]]


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_what_a_frame_holds_and_what_is_lost(version: str, arch: str) -> None:
    core, session, _ = opened(version, arch)
    held = answer(session, f"go-refs {fact(core, 'held')} --paths 3")
    assert held["paths"] and {path["root"]["kind"] for path in held["paths"]} == {"stack"}
    roots = [each["root"] for each in held["referrers"] if each["root"]]
    # main.hold itself, or what the go statement made to call it.
    assert all(any(name in root["text"] for name in _HOLDERS) for root in roots), roots
    goroutines = {root["goroutine_id"] for root in roots}
    assert len(goroutines) == 1 and goroutines != {1}
    last = answer(session, f"go-refs {fact(core, 'lost')}")
    assert [each["root"]["kind"] for each in last["referrers"]] == ["global"]
    # What was lost before it is garbage that no collection has looked at: 99 of them.
    survey = survey_of(session)
    dead = [slot for slot, parent in enumerate(survey.reach.parents) if parent == -1 and survey.table.allocated[slot]]
    kinds = Counter((survey.table.object(slot).size, survey.table.object(slot).state) for slot in dead)
    assert 97 <= kinds.pop((32, "new")) <= 99  # a register or a dead word may still have one
    assert sum(kinds.values()) <= 3, kinds


@pytest.mark.parametrize(("version", "arch"), [pair for pair in PAIRS if pair[0] in (matrix.newest(), matrix.oldest())])
def test_finding_values_texts_and_ranges(version: str, arch: str) -> None:
    core, session, _ = opened(version, arch)
    at = int(fact(core, "chain"), 16)
    by_value = [int(each["address"], 16) for each in answer(session, f"go-find {at:#x} --in heap")["found"]]
    assert all(session.memory.u64(place) == at for place in by_value)
    buffer = answer(session, f"go-refs {at:#x}")["referrers"][0]["places"]
    assert int(buffer[0], 16) in by_value
    in_range = answer(session, f"go-find {at:#x}..{at + 32:#x} --in heap")["found"]
    assert {int(each["address"], 16) for each in in_range} >= set(by_value)
    texts = answer(session, 'go-find "the end of the chain" --in globals')["found"]
    pointer = session.memory.u64(at)
    assert hex(pointer) in [each["address"] for each in texts]
    wanted: List[bytes] = [session.memory.read(int(each["address"], 16), 20) for each in texts]
    assert set(wanted) == {b"the end of the chain"}
    assert answer(session, "go-find 0x7123456789abcdef")["found"] == []


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_what_cannot_be_answered_is_said_in_one_line(version: str) -> None:
    core, session, _ = opened(version, "amd64")
    free = next(
        span.base(span.slots - 1)
        for span in survey_of(session).table.spans
        if span.slots > 1 and not survey_of(session).heap.bits.allocated(span) >> (span.slots - 1) & 1  # type: ignore[operator]
    )
    cases = (
        ("go-refs 0x10", "is in no object of the heap"),
        (f"go-refs {free:#x}", "is in a free slot"),
        ("go-find 9..3", "write A..B with A below B"),
        ("go-heap --format pprof", "wants a file"),
    )
    for command, expected in cases:
        name, _, words = command.partition(" ")
        text, status = execute(lambda: session, name, words)
        assert status == 2 and expected in text and text.count("\n") == 1
    text, status = execute(lambda: session, "go-object", f"{free:#x}")
    assert status == 0 and "free" in text


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_variables_have_names_where_there_are_symbols(version: str) -> None:
    """In the twin that was not stripped; its data is where the stripped one's is."""
    built = build("heap", version, "amd64", Flags(pie=True))
    assert built.same_data
    core = take_core(built)
    session = Session(CoreTarget(str(core.twin), str(core.core)), force=True)
    (path,) = answer(session, f"go-refs {fact(core, 'chain')}")["paths"]
    assert "main.chain" in path["root"]["text"]
