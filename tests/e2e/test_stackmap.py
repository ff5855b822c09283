"""go-stackmap in gdb: against pointers that a program keeps, gdb's own reads, and the compiler's own listing."""

from __future__ import annotations

import json
from typing import Dict, Iterator, List, Tuple

import pytest

from tests.e2e.answers import Document, ask, lines_of
from tests.e2e.compiler import ARGS_MAP, LOCALS_MAP, STACK_MAP_INDEX, UNSAFE_POINT, listing
from tests.support import matrix, oracle
from tests.support.build import build
from tests.support.cores import Core, crash_core, take_core
from tests.support.gdb import on_core, run_gdb


def keepalive(version: str, arch: str) -> Core:
    return take_core(build("keepalive", version, arch), abort_at="ready")


def stacks(core: Core) -> Dict[str, Document]:
    """Function -> its frame, over the stacks of all goroutines of the program's own."""
    (answer,) = ask(core, "go-goroutines")
    ids = [each["id"] for each in answer["goroutines"]]
    answers = ask(core, *(f"go-stackmap --goroutine {goid}" for goid in ids))
    return {frame["function"]: frame for each in answers for frame in each["frames"]}


def pointers(slots: List[Document]) -> List[str]:
    return [slot["value"] for slot in slots if slot["pointer"]]


@pytest.mark.parametrize("version,arch", matrix.few())
def test_pointers_that_the_program_keeps(version: str, arch: str) -> None:
    core = keepalive(version, arch)
    frames = stacks(core)
    kept: Dict[Tuple[str, str], List[str]] = {}
    for fact in core.facts()["kept"] + core.facts()["dropped"]:
        function, kind, address = fact.split()
        kept.setdefault((function, kind), []).append(address)
    arguments = pointers(frames["main.keepsArguments"]["args"])
    assert arguments == kept["main.keepsArguments", "arg"]
    assert set(kept["main.keepsLocals", "local"]) <= set(pointers(frames["main.keepsLocals"]["locals"]))
    assert not set(kept["main.dropsArgument", "arg"]) & set(pointers(frames["main.dropsArgument"]["args"]))
    # visit's one argument points to the variable of its caller, an object on the stack.
    (own,) = pointers(frames["main.visit"]["args"])
    sizes = {item["address"]: item["size"] for item in frames["main.keepsObject"]["objects"]}
    assert sizes[own] == 4 * 8
    inside = [s["value"] for s in frames["main.keepsObject"]["locals"] if 0 <= int(s["address"], 0) - int(own, 0) < 32]
    assert inside == kept["main.keepsObject", "object"]


READ = (
    "python import json; r = gdb.selected_inferior().read_memory; "
    "print(json.dumps([int.from_bytes(r(a, 8).tobytes(), 'little') for a in %s]))"
)


@pytest.mark.parametrize("version,arch", matrix.few())
def test_words_are_what_gdb_reads_and_pointers_can_be_followed(version: str, arch: str) -> None:
    core = keepalive(version, arch)
    slots = [slot for frame in stacks(core).values() for kind in ("args", "locals") for slot in frame[kind]]
    assert len(slots) > 30
    values = [int(slot["value"], 0) for slot in slots]
    followed = [int(value, 0) for value in pointers(slots) if int(value, 0)]
    run = on_core(core, READ % [int(slot["address"], 0) for slot in slots], READ % followed)
    assert json.loads(run.outputs[0]) == values
    assert len(json.loads(run.outputs[1])) == len(followed) > 10  # gdb raises where it can't read
    for slot in slots:
        assert (slot["target"] is None) == (not slot["pointer"])
        assert slot["target"] != "unreadable" and (slot["target"] == "nil") == (
            slot["pointer"] and slot["value"] == "0x0"
        )


@pytest.mark.parametrize("version,arch", matrix.few())
@pytest.mark.parametrize("program", ["keepalive", "crash"])
def test_bitmaps_are_the_compilers(program: str, version: str, arch: str) -> None:
    built = build(program, version, arch)
    expected = listing(built)
    linked = {symbol.name for symbol in oracle.text_symbols(built)}
    names = [name for name in expected.functions if name.startswith("main.") and name in linked]
    assert len(names) > 8
    run = run_gdb([f"go-stackmap {name} --json" for name in names], exe=built.exe, arch=arch)
    for name, output in zip(names, run.outputs):
        answer, function = json.loads(output), expected.functions[name]
        for key, table in (("args", ARGS_MAP), ("locals", LOCALS_MAP)):
            maps = expected.bitmaps(name, table)
            assert (answer[key] and answer[key]["bitmaps"]) == maps, name
        entry = int(answer["entry"], 0)
        assert {offset: function.at(STACK_MAP_INDEX, offset) for offset, _ in changes(answer, entry)} == dict(
            changes(answer, entry)
        )
        offsets = [offset for offset, _ in function.pcdata.get(STACK_MAP_INDEX, [])]
        assert {o: function.at(STACK_MAP_INDEX, o) for o in offsets} == {
            o: index_at(answer, entry + o) for o in offsets
        }


def changes(answer: Document, entry: int) -> Iterator[Tuple[int, int]]:
    """(offset, index) of the runs in a document."""
    for run in answer["runs"]:
        yield int(run["start"], 0) - entry, run["index"]


def index_at(answer: Document, pc: int) -> int:
    (found,) = [run["index"] for run in answer["runs"] if int(run["start"], 0) <= pc < int(run["end"], 0)]
    return int(found)


@pytest.mark.parametrize("version,arch", matrix.few())
def test_at_a_pc(version: str, arch: str) -> None:
    """Index and unsafe points at every pc at which the compiler says that they change."""
    built = build("keepalive", version, arch)
    names = ["main.keepsLocals", "main.keepsObject", "main.main"]
    run = run_gdb([f"go-stackmap {name} --json" for name in names], exe=built.exe, arch=arch)
    entries = {name: int(json.loads(output)["entry"], 0) for name, output in zip(names, run.outputs)}
    places = [
        (name, offset)
        for name in names
        for table in (0, 1)
        for offset, _ in listing(built).functions[name].pcdata[table]
    ]
    places = sorted({(name, offset) for name, offset in places if 0 < offset < listing(built).functions[name].size})
    run = run_gdb([f"go-stackmap *{entries[n] + o:#x} --json" for n, o in places], exe=built.exe, arch=arch)
    for (name, offset), output in zip(places, run.outputs):
        answer, function = json.loads(output), listing(built).functions[name]
        assert (answer["function"], int(answer["pc"], 0)) == (name, entries[name] + offset)
        assert answer["index"] == function.at(STACK_MAP_INDEX, offset)
        assert (answer["unsafe_point"] is None) == (function.at(UNSAFE_POINT, offset) == -1)


@pytest.mark.parametrize(
    "version,arch", [(matrix.newest(), "amd64"), (matrix.newest(), "arm64"), (matrix.oldest(), "amd64")]
)
def test_said_in_words(version: str, arch: str) -> None:
    core = crash_core(version, arch)
    commands = ["runtime.memmove", "runtime.goexit", "main.goDown", "main.noSuch", "*0x10", "*main", "--frame 99"]
    run = on_core(core, *(f"go-stackmap {words}" for words in commands))
    assert "assembly" in run.outputs[0] and "assembly" in run.outputs[1]
    assert "no stack map index (-1)" in run.outputs[2] and "bitmap " in run.outputs[2]
    errors = run.stderr.splitlines()[-4:]
    assert errors[0] == "no function is called main.noSuch (go-symbols REGEX lists names; *PC takes an address)"
    assert errors[1] == "0x10 is in no Go function"
    assert errors[2].startswith("'main' is no address: write it as *0x")
    assert "frames, numbered from 0" in errors[3]
    function = listing(core.built).functions["main.goDown"]
    offset = next(at for at, value in function.pcdata[UNSAFE_POINT] if value == -2)
    entry = int(json.loads(on_core(core, "go-stackmap main.goDown --json").outputs[0])["entry"], 0)
    at_entry = on_core(core, f"go-stackmap *{entry}", f"go-stackmap *{entry + offset:#x}")
    assert "no stack map index (-1)" in lines_of(at_entry, 0)[1] and "unsafe point" in lines_of(at_entry, 1)[1]


def test_a_frame_by_its_number() -> None:
    core = crash_core(matrix.newest())
    (goid,) = [fact["id"] for fact in ask(core, "go-goroutines --function throughInlined")[0]["goroutines"]]
    everything, *single = ask(core, *(f"go-stackmap --goroutine {goid} {o}" for o in ("", "--frame 3", "--frame 5")))
    numbers = [frame["number"] for frame in everything["frames"]]
    assert numbers == [0, 1, 2, 5, 6, 7]  # 3 and 4 are inlined into 5
    for each in single:
        assert each["frames"] == [everything["frames"][3]] and each["frames"][0]["function"] == "main.throughInlined"
