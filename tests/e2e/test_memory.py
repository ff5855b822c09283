"""go-memory against runtime.MemStats, as the program itself read and told it just before it went down."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Dict, List

import pytest

from tests.e2e.answers import Document, ask, lines_of
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, take_core
from tests.support.gdb import live, on_core
from tests.support.standalone import goxray

SAMPLE = [pair for pair in matrix.pairs() if pair[0] in (matrix.newest(), matrix.oldest())]


def down(version: str, arch: str, *args: str) -> Core:
    return take_core(build("memory", version, arch), args)


def answer(core: Core) -> Document:
    done = goxray("memory", "--json", core.exe, core.core)
    assert done.returncode == 0, done.stderr
    document: Document = json.loads(done.stdout)
    assert not [warning for warning in document["warnings"] if "not recorded" not in warning]
    return document


def told(core: Core) -> Dict[str, int]:
    return {name: int(values[0]) for name, values in core.facts().items() if name not in ("size", "pid")}


def sizes(core: Core) -> List[List[int]]:
    return [[int(word) for word in line.split()] for line in core.facts()["size"]]


def shown_sizes(document: Document) -> List[List[int]]:
    return [[each["size"], each["mallocs"], each["frees"]] for each in document["stats"]["by_size"]]


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_statistics_are_those_of_the_runtime(version: str, arch: str) -> None:
    core = down(version, arch)
    document, facts = answer(core), told(core)
    assert facts.pop("next_gc") == document["collector"]["next_gc"]
    assert len(facts) == 25 and {name: document["stats"][name] for name in facts} == facts
    # MemStats.BySize ends before the last size classes do.
    assert shown_sizes(document)[: len(sizes(core))] == sizes(core)
    # The same by another way: what the spans hold.
    classes = document["span_classes"]
    assert sum(each["bytes"] for each in classes) == document["spans"]["in_use"] == facts["heap_inuse"]
    assert sum(each["used"] for each in classes) == facts["alloc"]
    assert document["spans"]["lost"] == 0 and document["spans"]["manual"] >= facts["stack_inuse"]
    # One of pointers for each of the 8,000 pairs that are alive.
    assert next(each["objects"] for each in classes if (each["size"], each["noscan"]) == (16, False)) >= 8000


@pytest.mark.parametrize("version,arch", SAMPLE)
def test_what_was_allocated_since_is_counted_in(version: str, arch: str) -> None:
    """It is in the Ps' caches: the runtime's own books do not have it yet."""
    core = down(version, arch, "more")
    document, facts = answer(core), told(core)
    stats = document["stats"]
    assert stats["mallocs"] - facts["mallocs"] == 1001 and stats["frees"] == facts["frees"]
    assert stats["alloc"] - facts["alloc"] == stats["total_alloc"] - facts["total_alloc"] == 24 * 1000 + (1 << 20)
    grown = [[size, mallocs + (1000 if size == 24 else 0), frees] for size, mallocs, frees in sizes(core)]
    assert shown_sizes(document)[: len(grown)] == grown


@pytest.mark.parametrize("version,arch", SAMPLE)
def test_the_collectors_goal_under_a_memory_limit(version: str, arch: str) -> None:
    core = down(version, arch, "limit")
    found, facts = answer(core)["collector"], told(core)
    assert (found["next_gc"], found["memory_limit"], found["gogc"]) == (facts["next_gc"], 100 << 20, 300)
    assert found["next_gc"] < 4 * found["marked"] and found["phase"] == "off"
    assert found["marked"] <= found["live"] < found["trigger"] <= found["next_gc"]


def test_in_a_debugger_it_is_the_same() -> None:
    core = down(matrix.newest(), "amd64")
    document, gdb = answer(core), ask(core, "go-memory")[0]
    assert {**gdb, "regions": []} == {**document, "regions": []}
    run = on_core(core, "go-memory", "go-memory --limit 2", "go-memory --limit 0")
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in lines_of(run, 0)[:8])
    assert rows["collector"] == "not at work; GOGC=300, GOMEMLIMIT=1 GiB"
    assert rows["collections"].startswith(f"{told(core)['num_gc']}, {told(core)['num_forced_gc']} of them asked for")
    text = run.outputs[0]
    assert len(re.findall(r"^ *(?:\d+|large) .*%", text, re.M)) == 10 and "what was resident is not known" in text
    assert re.search(rf"^\(2 of {len(document['span_classes'])} classes; ", run.outputs[1], re.M)


def status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found is not None
    return int(found.group(1)) << 10


def test_mappings_add_up_to_what_is_resident() -> None:
    built = build("memory", matrix.newest())
    with live(built, "stay") as program:
        assert program.pid is not None
        documents = [json.loads(goxray("memory", "--json", "--stop", "--pid", program.pid).stdout)]
        # The kernel counts for the whole process with a lag of some pages for each processor.
        assert abs(documents[0]["resident"] - status(program.pid, "VmRSS")) < 1 << 20
        documents.append(json.loads(program.gdb("go-memory --json", "echo").outputs[0]))
    for document in documents:
        regions = {each["kind"]: each for each in document["regions"]}
        assert document["resident"] == sum(each["resident"] for each in regions.values())
        assert {"heap arenas", "program", "thread stacks", "system", "other anonymous"} == set(regions)
        stats = document["stats"]
        heap = regions["heap arenas"]
        # The arenas hold the heap and the stacks; what was given back is not resident, nor what nobody has written to.
        assert 4 << 20 < heap["resident"] <= stats["heap_sys"] - stats["heap_released"] + stats["stack_inuse"]
        assert heap["size"] >= stats["heap_sys"] and heap["size"] % (64 << 20) == 0
        assert regions["program"]["size"] >= built.exe.stat().st_size // 2
