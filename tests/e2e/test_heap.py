"""The heap against runtime/debug.WriteHeapDump, which the program itself wrote before it went down, and MemStats."""

from __future__ import annotations

import gzip
import json
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from shared_core.commands.runner import execute, run
from shared_core.errors import Absent
from shared_core.runtime.heap import heap_of
from shared_core.runtime.heap.containers import itab_table
from shared_core.runtime.heap.graph import UNREACHED
from shared_core.runtime.heap.rootset import FINALIZER, GLOBAL, Roots
from shared_core.runtime.heap.survey import survey_of
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.matrix.test_damage import Damaged
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, take_core
from tests.support.gdb import on_core
from tests.support.heapdump import HeapDump, Object, read_dump
from tests.support.toolchains import toolchain

PAIRS = matrix.pairs()
SAMPLE = [pair for pair in PAIRS if pair[0] in (matrix.newest(), "1.21", matrix.oldest()) and pair[1] == "amd64"]
PAGE, TABLE = 8192, 128  # bytes of a page, and of the bitmap or the mark bits that it may end in


def heap_core(version: str, arch: str) -> Core:
    return take_core(build("heap", version, arch))


@lru_cache(maxsize=2)
def opened(version: str, arch: str) -> Tuple[Core, Session, HeapDump]:
    core = heap_core(version, arch)
    return core, Session(CoreTarget(str(core.exe), str(core.core))), read_dump(core.left("heap.dump"))


def answer(session: Session, name: str, words: str) -> Dict[str, Any]:
    text, status = execute(lambda: session, name, f"{words} --json")
    assert status == 0, text
    document: Dict[str, Any] = json.loads(text)
    return document


def objects_of(session: Session) -> Dict[int, Object]:
    """As the dump has them, out of the spans' bits."""
    heap, found = heap_of(session), {}
    spans, lost = heap.spans.all()
    assert not lost
    for span in spans:
        allocated, mask, width = heap.bits.allocated(span), heap.bits.pointers(span), span.size // 8
        assert not isinstance(allocated, Absent) and not isinstance(mask, Absent)
        for number in range(span.slots):
            if allocated >> number & 1:
                piece = mask[number * width : (number + 1) * width]
                found[span.base(number)] = Object(span.size, tuple(8 * i for i, flag in enumerate(piece) if flag))
    return found


def at_the_end_of_a_page(address: int, found: Object) -> bool:
    """WriteHeapDump takes the bitmap (and the mark bits) that a span of small objects ends in for objects too."""
    return found.size <= 512 and address % PAGE + found.size > PAGE - 2 * TABLE


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_objects_and_their_pointers_are_those_of_the_heap_dump(version: str, arch: str) -> None:
    _, session, dump = opened(version, arch)
    ours = objects_of(session)
    beside = {address for address, found in dump.objects.items() if address not in ours}
    assert all(at_the_end_of_a_page(address, dump.objects[address]) for address in beside)
    assert {address: found for address, found in dump.objects.items() if address not in beside} == ours
    assert len(ours) > 5000
    # One at a time, without the others.
    heap, chooser = heap_of(session), random.Random(version)
    for address in chooser.sample(sorted(ours), 200):
        found = heap.object_at(address + chooser.randrange(ours[address].size))
        assert found is not None and (found.base, found.size) == (address, ours[address].size)
        assert found.state in ("survived", "new")
        slots = heap.pointer_slots(found)
        assert not isinstance(slots, Absent)
        assert slots == tuple(address + offset for offset in ours[address].slots)


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_roots_itabs_and_goroutines_are_those_of_the_heap_dump(version: str, arch: str) -> None:
    _, session, dump = opened(version, arch)
    roots, heap = Roots(heap_of(session)), heap_of(session)
    variables = {
        start: tuple(8 * i for i, flag in enumerate(mask) if flag) for start, _, mask in roots.variables() if len(mask)
    }
    assert variables == {start: offsets for start, offsets in dump.segments.items() if start in variables}
    assert all(not offsets for start, offsets in dump.segments.items() if start not in variables)
    found = roots.all(heap.spans.all()[0])
    finalizers = sorted((root.who, root.value) for root in found if root.kind == FINALIZER and root.value != root.who)
    assert finalizers == sorted(dump.finalizers) and len(finalizers) >= 50
    itabs = [each for each in map(session.types.itab, itab_table(session)) if not isinstance(each, Absent)]
    assert {each.address: each.type.address for each in itabs} == dump.itabs
    assert {g.id: g.address for g in session.world.goroutines} == dump.goroutines
    assert not roots.problems and sum(root.kind == GLOBAL for root in found) > 100


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_totals_are_those_of_the_runtime(version: str, arch: str) -> None:
    core, session, _ = opened(version, arch)
    document, facts = answer(session, "go-heap", ""), core.facts()
    assert document["objects"] == int(facts["heap_objects"][0]) and document["bytes"] == int(facts["heap_alloc"][0])
    ours: Dict[int, int] = {}
    for each in document["classes"]:
        ours[each["size"]] = ours.get(each["size"], 0) + each["objects"]
    told = {int(size): int(count) for size, count in map(str.split, facts["size"]) if int(size)}
    # A tiny block counts once, whatever is in it: ReadMemStats counts it out of Mallocs and Frees alike.
    assert {size: ours.get(size, 0) for size in told} == told
    states = document["states"]
    assert states["survived"]["objects"] + states["new"]["objects"] == document["objects"]
    # Of each of 100 rounds three objects and what append needed.
    assert 299 <= states["new"]["objects"] <= 320 + 100


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_types_of_objects(version: str, arch: str) -> None:
    core, session, dump = opened(version, arch)
    document = answer(session, "go-heap", "--by type")
    types = {each["type"]: each for each in document["types"]}
    # As many as the program made, each in an interface of its own.
    assert types["main.mixed"]["objects"] == types["main.wide"]["objects"] == 600
    assert types["map[int]*main.target"]["objects"] == types["map[string]string"]["objects"] == 1
    # Those in the map, with finalizers, behind interfaces, new; and some that only typed pointers lead to.
    assert 350 <= types["main.target"]["objects"] <= 500
    assert types["runtime.g"]["objects"] >= len(dump.goroutines)
    assert document["typed"]["bytes"] / document["bytes"] > 0.75
    assert sum(each["objects"] for each in document["types"]) == document["objects"]
    shown = answer(session, "go-object", core.facts()["shown"][0])
    assert (shown["type"], shown["object"]["size"]) == ("main.target", 32) and "interface" in shown["type_known"]


@pytest.mark.parametrize(("version", "arch"), SAMPLE)
def test_a_profile_for_pprof(version: str, arch: str, tmp_path: Path) -> None:
    import os
    import subprocess

    core, session, _ = opened(version, arch)
    path = tmp_path / "heap.pb.gz"
    text, status = execute(lambda: session, "go-heap", ["--format", "pprof", "-o", str(path)])
    assert status == 0 and text.startswith(str(path)) and gzip.decompress(path.read_bytes())
    chain = toolchain(matrix.newest())
    command = [str(chain.go), "tool", "pprof", "-top", "-sample_index=inuse_objects", "-nodecount=200", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **chain.environment("amd64")})
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +600 .* main\.wide$", done.stdout, re.M)
    assert f"of {core.facts()['heap_objects'][0]} total" in done.stdout


@pytest.mark.parametrize(("version", "arch"), SAMPLE)
def test_damaged_spans_and_types_end_with_a_reason(version: str, arch: str) -> None:
    core, _, _ = opened(version, arch)
    at = core.facts()["chain"][0]
    commands = [
        ("go-heap", "--by type"), ("go-heap", "--json"), ("go-object", f"{at} --typed"), ("go-refs", f"{at} --depth 3"),
        ("go-find", at), ("go-stackmap", "--goroutine 1"),
    ]  # fmt: skip
    for words, holes in ((500, 0), (20000, 0), (0, 80), (3000, 20)):
        session = Session(Damaged(core, random.Random(f"{version} {words}"), words, holes))
        for name, options in commands:
            outcome = run(lambda session=session: session, name, options, debug=True)
            assert not outcome.error.startswith("internal error"), outcome.trace


class _SpansDamaged(CoreTarget):
    """A core of which some mspans have other words in them."""

    def __init__(self, core: Core, words: Dict[int, int]) -> None:
        super().__init__(str(core.exe), str(core.core))
        self._words = words

    def read(self, address: int, size: int) -> bytes:
        data = bytearray(super().read(address, size))
        for place, word in self._words.items():
            if address <= place and place + 8 <= address + size:
                data[place - address : place - address + 8] = word.to_bytes(8, "little")
        return bytes(data)

    def region(self, address: int) -> None:
        return


@pytest.mark.parametrize(("version", "arch"), SAMPLE)
def test_spans_that_cannot_be_are_counted_and_left_out(version: str, arch: str) -> None:
    core, session, _ = opened(version, arch)
    # Not the first ones: whether they look like spans decides what is taken for the heap.
    spans = sorted(heap_of(session).spans.all()[0], key=lambda span: span.address)[60:]
    kind = session.layout.struct("runtime.mspan")
    whole = answer(session, "go-heap", "")
    fields = ("startAddr", "npages", "elemsize", "startAddr")
    wild = (0x123, 1 << 50, 1 << 40, spans[7].start)
    words = {spans[i].address + kind.offset(field): value for i, (field, value) in enumerate(zip(fields, wild))}
    document = answer(Session(_SpansDamaged(core, words)), "go-heap", "")
    assert document["objects"] < whole["objects"]
    assert any(re.match(r"[45] spans cannot be read, or are none", each) for each in document["warnings"])
    # An object in one of them: a reason, not an answer.
    text, status = execute(lambda: Session(_SpansDamaged(core, words)), "go-object", hex(spans[2].start))
    assert status == 2 and "objects that do not fit" in text


def test_in_gdb_as_in_goxray() -> None:
    core, session, _ = opened(matrix.newest(), "amd64")
    at = core.facts()["chain"][0]
    commands: List[Tuple[str, str]] = [
        ("go-heap", "--by type"), ("go-heap", "--by state"), ("go-object", at), ("go-refs", at), ("go-find", at),
    ]  # fmt: skip
    done = on_core(core, *(f"{name} {words}" for name, words in commands))
    assert [execute(lambda: session, name, words)[0] for name, words in commands[:2]] == done.outputs[:2]
    assert "main.target" in done.outputs[3] and "runtime.hchan" in done.outputs[3]
    assert all(done.outputs), done.stderr


@pytest.mark.parametrize(("version", "arch"), PAIRS)
def test_what_can_be_reached_is_what_the_collector_marked(version: str, arch: str) -> None:
    """In a core from when a collection has just ended: in each span that is not swept yet, object for object."""
    core = take_core(build("heap", version, arch), ["sweep"])
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    survey = survey_of(session)
    table, parents, bits = survey.table, survey.reach.parents, survey.heap.bits
    looked_at = 0
    for first, span in zip(table.firsts, table.spans):
        marked, allocated = bits.marked(span), bits.allocated(span)
        assert not isinstance(marked, Absent) and not isinstance(allocated, Absent)
        if span.unswept:
            numbers = [number for number in range(span.slots) if allocated >> number & 1]
            reached = [number for number in numbers if parents[first + number] != UNREACHED]
            assert reached == [number for number in numbers if marked >> number & 1], hex(span.start)
            looked_at += len(numbers)
    assert looked_at > 1000 and not survey.problems
    states = {name: {state_of(session, int(at)) for at in core.facts()[name]} for name in ("kept", "dropped")}
    assert (
        states["kept"] == {"survived"} and "garbage" in states["dropped"] and states["dropped"] <= {"garbage", "free"}
    )


def state_of(session: Session, address: int) -> str:
    found = heap_of(session).object_at(address)
    assert found is not None
    return found.state


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_an_interrupt_leaves_the_session_whole(looks: int) -> None:
    """Ctrl-C at a look at the clock: the next answer is as if there had been none."""
    core, session, _ = opened(matrix.newest(), "amd64")
    fresh = Session(CoreTarget(str(core.exe), str(core.core)))
    survey, times = survey_of(fresh), iter(range(looks))

    def interrupt(done: int, total: int) -> None:
        if next(times, None) is None:
            raise KeyboardInterrupt

    survey.progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        survey.spread.share()
    times = iter(())
    with pytest.raises(KeyboardInterrupt):
        survey.reach.path(0)
    for command in (("go-heap", "--by type"), ("go-refs", core.facts()["chain"][0])):
        assert answer(fresh, *command) == answer(session, *command)
