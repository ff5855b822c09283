"""go-goroutines --group, against the stacks that the dying process printed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Dict, List, Set, Tuple

import pytest

from tests.e2e.answers import ask, lines_of, place, place_of, users_frame
from tests.support import matrix
from tests.support.cores import crash_core, many_core
from tests.support.gdb import on_core
from tests.support.traceback import Goroutine, by_id, parse_traceback

Grouping = List[Set[int]]


def at_rest(version: str, arch: str) -> Dict[int, Goroutine]:
    """Without the dying one, which has gone on since it was printed."""
    found = by_id(parse_traceback(crash_core(version, arch).stderr))
    return {goid: each for goid, each in found.items() if each.status != "running"}


def parted(goroutines: Dict[int, Goroutine], key) -> Set[Tuple[int, ...]]:  # type: ignore[no-untyped-def]
    parts: Dict[object, List[int]] = defaultdict(list)
    for goid, each in goroutines.items():
        parts[key(each)].append(goid)
    return {tuple(sorted(ids)) for ids in parts.values()}


KEYS = {
    "stack": lambda g: tuple((f.function, f.line, f.pc) for f in g.frames),
    "user": lambda g: (users_frame(g.frames).function, users_frame(g.frames).line, users_frame(g.frames).pc),
    "creator": lambda g: g.created_by and (g.created_by.function, g.created_by.file, g.created_by.line),
    "reason": lambda g: g.status,
    "status": lambda g: g.status if g.status in ("running", "runnable", "syscall") else "waiting",
}


@pytest.mark.parametrize("version,arch", matrix.few())
def test_who_is_together(version: str, arch: str) -> None:
    expected = at_rest(version, arch)
    answers = ask(crash_core(version, arch), *(f"go-goroutines --all --group {key}" for key in KEYS))
    for key, answer in zip(KEYS, answers):
        found = {tuple(sorted(set(group["ids"]) & expected.keys())) for group in answer["groups"]} - {()}
        assert found == parted(expected, KEYS[key]), key
        assert [group["count"] for group in answer["groups"]] == [len(group["ids"]) for group in answer["groups"]]
        assert answer["total_groups"] == len(answer["groups"])
        assert answer["total"] == sum(group["count"] for group in answer["groups"])
        shares = [round(100 * group["count"] / answer["total"], 2) for group in answer["groups"]]
        assert [group["share_percent"] for group in answer["groups"]] == shares


@pytest.mark.parametrize("version,arch", matrix.few())
def test_stacks_and_states(version: str, arch: str) -> None:
    expected = at_rest(version, arch)
    (answer,) = ask(crash_core(version, arch), "go-goroutines --all --group stack -t 200")
    for group in answer["groups"]:
        members = [expected[goid] for goid in group["ids"] if goid in expected]
        if len(members) < len(group["ids"]):
            continue
        assert group["states"] == Counter(each.status for each in members)
        assert [place(frame) for frame in group["frames"]] == [place_of(frame) for frame in members[0].frames]
        starters = {place_of(each.created_by) for each in members if each.created_by}
        assert {place(by) for by in group["created_by"]} == starters


def test_a_crowd() -> None:
    """10,000 goroutines whose stacks are of five shapes, and grow by a frame with the id in one of them."""
    core = many_core(matrix.newest(), 10_000)
    run = on_core(core, "go-goroutines --group stack --limit 3", "go-goroutines --group reason")
    stacks, states = lines_of(run, 0), lines_of(run, 1)
    assert sum(" goroutines [" in line for line in stacks) == 3
    assert stacks[-2].startswith("(3 of ")
    assert states[0].split() == ["COUNT", "SHARE", "WAIT", "REASON", "BLOCKED", "IDS"]
    assert sum(int(line.split()[0]) for line in states[1:-2]) == 10_001
