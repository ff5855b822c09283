"""go-traceback over cores against what the dying program printed of the same moment, line for line."""

from __future__ import annotations

from typing import List

import pytest

from shared_core.commands.runner import run
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.blocks import at_rest, blocks, frames, running
from tests.support.build import Flags, build
from tests.support.cores import ENVIRONMENT, Core, crash_core, healthy_core, take_core

MODES = ("panic", "nil", "again", "throw", "range", "goroutine")
QUICK = ("1.27", "1.24", "1.19")
CRASHES = [(v, a, m) for v, a in matrix.pairs() for m in MODES if matrix.is_full() or v in QUICK or m == "panic"]
VARIANTS = matrix.variants()
VARIANT_IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in VARIANTS]


def session_of(core: Core) -> Session:
    return Session(CoreTarget(str(core.exe), str(core.core)))


def traceback(core: Core, words: str = "--all --level system") -> str:
    session = session_of(core)
    outcome = run(lambda: session, "go-traceback", words)
    # Of a program that the C linker made, qemu dumps no page of a file: only its moduledata says that it fits.
    unproved = core.arch == "arm64" and core.built.flags.cgo
    warnings = [each for each in session.warnings if not (unproved and "fits the memory" in each)]
    assert (outcome.error, outcome.status, warnings) == ("", 0, [])
    return outcome.text


def assert_parked_are_the_same(core: Core) -> None:
    ours, theirs = at_rest(traceback(core)), at_rest(core.stderr)
    assert len(theirs) >= 18
    assert {goid: lines for goid, lines in ours.items() if goid in theirs} == theirs


def assert_same_goroutines(core: Core) -> None:
    ours, theirs = ({goid for goid, _, _ in blocks(text) if goid} for text in (traceback(core), core.stderr))
    assert ours == theirs


@pytest.mark.parametrize(("version", "arch", "mode"), CRASHES)
def test_goroutines_at_rest_are_printed_as_the_runtime_did(version: str, arch: str, mode: str) -> None:
    core = crash_core(version, arch, mode)
    assert_parked_are_the_same(core)
    assert_same_goroutines(core)


@pytest.mark.parametrize(("version", "arch", "mode"), CRASHES)
def test_the_dying_goroutine_ends_as_the_runtime_printed_it(version: str, arch: str, mode: str) -> None:
    """The runtime began its traceback where the panic came up; by the time of the core it was a few calls deeper."""
    core = crash_core(version, arch, mode)
    theirs = running(core.stderr)
    assert len(theirs) == 1
    for goid, lines in theirs.items():
        printed = frames(lines)
        assert len(printed) >= 4 or mode == "goroutine"
        dying = {i: text for i, _, text in blocks(traceback(core))}[goid]
        assert frames(dying)[-len(printed) :] == printed
        assert _created(dying) == _created(lines)


def _created(lines: List[str]) -> List[str]:
    at = next((i for i, line in enumerate(lines) if line.startswith("created by ")), len(lines))
    return lines[at:]


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_healthy_program_is_printed_as_the_runtime_did(version: str, arch: str) -> None:
    core = healthy_core(version, arch)
    assert_parked_are_the_same(core)
    assert_same_goroutines(core)


@pytest.mark.parametrize(("version", "arch", "flags"), VARIANTS, ids=VARIANT_IDS)
def test_other_builds_are_printed_as_the_runtime_did(version: str, arch: str, flags: Flags) -> None:
    core = crash_core(version, arch, "panic", flags)
    assert_parked_are_the_same(core)
    assert_same_goroutines(core)
    goid, lines = next(iter(running(core.stderr).items()))
    printed, dying = frames(lines), {i: text for i, _, text in blocks(traceback(core))}[goid]
    assert frames(dying)[-len(printed) :] == printed


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_goroutine_preempted_in_mid_computation(version: str, arch: str) -> None:
    """runtime.asyncPreempt is a call that a signal handler made up: its caller stands at an interrupted instruction."""
    core = healthy_core(version, arch, Flags(), "spin")
    preempted = [lines for lines in at_rest(core.stderr).values() if any("main.spin(" in line for line in lines)]
    # Now and then it is at a call of time.Now that the world is stopped, and there it parks by itself.
    assert any(call.startswith(("runtime.asyncPreempt(", "time.Now(")) for call, _ in frames(preempted[0]))
    assert_parked_are_the_same(core)


BUSY = """package main

import (
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

type digits struct{ sum, step uint64 }

//go:noinline
func (d *digits) grind(from, to uint64) uint64 {
	for i := from; i != to; i += d.step {
		d.sum ^= i * i
	}
	return d.sum
}

//go:noinline
func outer(step uint64) uint64 { return (&digits{step: step}).grind(1, 0) + step }

func main() {
	debug.SetGCPercent(-1)
	go outer(2)
	time.Sleep(50 * time.Millisecond)
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
"""


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_goroutine_that_nothing_could_stop(version: str, arch: str) -> None:
    """At GOTRACEBACK=crash each thread is made to print its own goroutine, at the instruction the signal came to."""
    environment = {**ENVIRONMENT, "GODEBUG": "asyncpreemptoff=1"}
    core = take_core(build("busy", version, arch, files={"busy.go": BUSY}), environment=environment)
    ours = {goid: lines for goid, state, lines in blocks(traceback(core)) if state == "running"}
    theirs = {goid: lines for goid, lines in running(core.stderr).items() if any("main.outer(" in x for x in lines)}
    assert len(theirs) == 1
    for goid, lines in theirs.items():
        assert [call for call, _ in frames(lines)][1].startswith("main.outer(")
        assert frames(ours[goid]) == frames(lines)
        assert _created(ours[goid]) == _created(lines)
