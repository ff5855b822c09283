"""go-traceback in gdb, line for line what the Go runtime prints about the same moment."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.answers import blocks, is_parked, lines_of
from tests.e2e.moments import at_exit
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.cores import ENVIRONMENT, crash_core, healthy_core, take_core
from tests.support.gdb import on_core
from tests.support.traceback import by_id, parse_traceback

SYSTEM = "go-traceback --all --level system"


@pytest.mark.parametrize("version,arch", matrix.few())
@pytest.mark.parametrize("mode", ["panic", "nil", "again", "throw", "range", "goroutine"])
def test_system_level_of_a_crash(version: str, arch: str, mode: str) -> None:
    core = crash_core(version, arch, mode)
    run = on_core(core, SYSTEM)
    found, expected = blocks(run.outputs[0]), blocks(core.stderr)
    assert found.keys() == expected.keys()
    (crashed,) = (g.id for g in by_id(parse_traceback(core.stderr)).values() if g.status == "running")
    for goid in expected.keys() - {crashed}:
        assert found[goid] == expected[goid]
    # The core is of a moment later: the runtime's functions that print and raise the signal came on top.
    head, *frames = expected[crashed]
    assert found[crashed][0] == head
    assert found[crashed][-len(frames) :] == frames
    assert next(iter(found)) == crashed


@pytest.mark.parametrize("version,arch,flags", matrix.variants())
def test_system_level_of_other_builds(version: str, arch: str, flags: Flags) -> None:
    core = crash_core(version, arch, flags=flags)
    found, expected = blocks(on_core(core, SYSTEM).outputs[0]), blocks(core.stderr)
    assert found.keys() == expected.keys()
    for goid, (head, *frames) in expected.items():
        assert (found[goid][0], found[goid][-len(frames) :]) == (head, frames)


@pytest.mark.parametrize("version,arch", matrix.few())
def test_system_level_of_a_healthy_program(version: str, arch: str) -> None:
    core = healthy_core(version, arch)
    said = by_id(parse_traceback(core.stderr))
    found, expected = blocks(on_core(core, SYSTEM).outputs[0]), blocks(core.stderr)
    assert found.keys() == expected.keys()
    parked = [goid for goid, each in said.items() if is_parked(each)]
    assert len(parked) >= 16
    for goid in parked:
        assert found[goid] == expected[goid]


@pytest.mark.parametrize("version,arch", matrix.few())
@pytest.mark.parametrize("mode", ["panic", "nil", "throw", "goroutine"])
def test_all_level(mode: str, version: str, arch: str) -> None:
    """GOTRACEBACK=all leaves out goroutines and frames by the runtime's own rules."""
    built = build("crash", version, arch)
    run, text = at_exit(built, [mode], "all", "go-traceback --all --level all")
    found, expected = blocks(run.outputs[0]), blocks(text)
    assert len(expected) >= 17
    assert found == expected


@pytest.mark.parametrize("version,arch", matrix.few())
def test_single_level(version: str, arch: str) -> None:
    built = build("crash", version, arch)
    commands = ["go-traceback", "go-traceback --level single", "go-traceback 1 --level system"]
    run, text = at_exit(built, ["goroutine"], "single", *commands)
    expected = blocks(text)
    assert len(expected) == 1
    assert blocks(run.outputs[0]) == blocks(run.outputs[1]) == expected
    assert list(blocks(run.outputs[2])) == [1]


@pytest.mark.parametrize("version", matrix.versions())
@pytest.mark.parametrize("mode", ["panic", "throw"])
def test_all_level_of_many_shapes(mode: str, version: str) -> None:
    """Wrappers, panics within panics, deep stacks, finalizers, creators: what is hidden and what is left out.

    An error of the runtime itself hides nothing of the goroutine it came up in.
    """
    run, text = at_exit(build("shapes", version), [mode], "all", "go-traceback --all --level all")
    found, expected = blocks(run.outputs[0]), blocks(text)
    assert len(expected) >= 55
    if mode == "throw":
        assert found[1] == expected[1] and any(" fp=0x" in line for line in expected[1])
    else:
        assert found == expected and list(found) == list(expected)


DEEP = """package main

//go:noinline
func down(n int) int {
	if n == 0 {
		panic("bottom")
	}
	return down(n-1) + n
}

func main() { println(down(150)) }
"""


@pytest.mark.parametrize("version", matrix.versions())
def test_deep_stacks_are_elided(version: str) -> None:
    """More frames than the runtime prints: the same ones are left out, and the same is said of them."""
    run, text = at_exit(build("deep", version, files={"deep.go": DEEP}), [], "all", "go-traceback")
    found, expected = blocks(run.outputs[0])[1], blocks(text)[1]
    if version == "1.19":
        # gentraceback counts hidden frames among the hundred, and then says nothing of the rest; by now there are two
        # more of them, which print.
        assert found == expected[:-4]
        assert "warning: Go 1.19 says nothing of frames left out of goroutine 1\n" in run.outputs[0]
    else:
        assert found == expected and any("frames elided" in line for line in expected)


def test_json() -> None:
    core = crash_core(matrix.newest())
    document = json.loads(on_core(core, "go-traceback --all --json").outputs[0])
    assert document["schema"] == "goxray.go-traceback/1"
    said = by_id(parse_traceback(core.stderr))
    for each in document["goroutines"]:
        assert (each["wait_reason"] or each["status"]) == said[each["id"]].status
        assert each["frames"] and each["problem"] is None and each["elided"] == 0


def test_json_of_bubbles_and_ancestors() -> None:
    environment = {**ENVIRONMENT, "GODEBUG": "tracebackancestors=2"}
    core = take_core(build("shapes", matrix.newest()), ["trace"], environment=environment)
    found = {g["id"]: g for g in json.loads(on_core(core, f"{SYSTEM} --json").outputs[0])["goroutines"]}
    expected = blocks(core.stderr)
    for goid, lines in expected.items():
        said = re.search(r", synctest bubble (\d+)\]", lines[0])
        assert found[goid]["bubble"] == (int(said[1]) if said else None)
        origins = [int(goid) for goid in re.findall(r"^\[originating from goroutine (\d+)\]:$", "\n".join(lines), re.M)]
        assert [ancestor["goroutine"] for ancestor in found[goid]["ancestors"]] == origins
    assert any(len(g["ancestors"]) == 2 for g in found.values())


@pytest.mark.parametrize("words", ["987654", "--level crash", "main", "-1"])
def test_wrong_options(words: str) -> None:
    core = crash_core(matrix.newest())
    quiet = on_core(core, "echo").stderr
    run = on_core(core, f"go-traceback {words}", "print $_go_status")
    assert len(run.stderr[len(quiet) :].splitlines()) == 1
    assert lines_of(run, 1) == ["$1 = 2"]
