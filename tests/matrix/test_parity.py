"""go-traceback against the dying process over a wide field: argument shapes, wait reasons, Go's own test programs."""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from tests.matrix.known_differences import KNOWN
from tests.matrix.test_tracebacks import traceback
from tests.support import matrix
from tests.support.blocks import at_rest
from tests.support.build import build
from tests.support.cores import ENVIRONMENT, Core, take_core
from tests.support.toolchains import toolchain

SHAPES = [(v, a, m) for v, a in matrix.pairs() for m in ("panic", "trace", "runnable") if a == "amd64" or m == "panic"]
# What is not in every build of that version: testing/synctest was new, leaks were told on request only.
EXPERIMENTS = [("1.24", "synctest"), ("1.26", "goroutineleakprofile")]
MORE = {**ENVIRONMENT, "GODEBUG": "tracebackancestors=3,tracebacklabels=1"}

# Those files of runtime/testdata/testprog that need nothing internal, and what of them dies with a traceback.
FILES = ("main", "abort", "badtraceback", "crash", "deadlock", "gc", "map", "misc", "panicprint", "panicrace")
FILES += ("preempt", "segv", "stringconcat", "traceback_ancestors", "coro")
SUBCOMMANDS = ("DoublePanic", "GoexitInPanic", "GoschedInPanic", "LockedDeadlock2", "PanicRace", "ThreadExhaustion")
MANY_SUBCOMMANDS = (
    *("Abort", "DoubleStringerPanic", "GCZombie", "GoNil", "GoexitDeadlock", "GoexitExit"),
    *("MainGoroutineID", "PanicAfterGoexit", "PanicLoop", "PanicTraceback", "RecoverBeforePanicAfterGoexit2"),
    *("RecoveredPanicAfterGoexit", "RecursivePanic", "RecursivePanic4", "RepanickedPanicSandwich", "SimpleDeadlock"),
    *("StackOverflow", "StringPanic", "SyscallInPanic", "panicCustomComplex128", "stringconcat"),
)


def programs() -> List[Tuple[str, str]]:
    """(version, subcommand of testprog), where that version has it."""
    names = SUBCOMMANDS + (MANY_SUBCOMMANDS if matrix.is_full() else ())
    texts = {version: "".join(runtime_tests(version).values()) for version in matrix.versions()}
    return [
        (version, name) for version, text in texts.items() for name in names if not text or f'register("{name}"' in text
    ]


def runtime_tests(version: str) -> Dict[str, str]:
    """testprog's sources."""
    place = toolchain(version).root / "src" / "runtime" / "testdata" / "testprog"
    paths = [place / f"{name}.go" for name in FILES]
    return {path.name: path.read_text() for path in paths if path.exists()}


def assert_same_at_rest(core: Core, least: int, runnable: bool = True) -> Dict[int, List[str]]:
    """`runnable`: those that were to run did not until the core was written; elsewhere some may have."""
    ours, theirs = at_rest(traceback(core)), at_rest(core.stderr)
    theirs = {goid: lines for goid, lines in theirs.items() if runnable or " [runnable" not in lines[0]}
    assert len(theirs) >= least
    ours = {goid: lines for goid, lines in ours.items() if goid in theirs}
    assert ours == theirs and list(ours) == list(theirs)
    return theirs


@pytest.mark.parametrize(("version", "arch", "mode"), SHAPES)
def test_shapes_and_wait_reasons(version: str, arch: str, mode: str) -> None:
    core = take_core(build("shapes", version, arch), [mode], environment=MORE if mode == "trace" else None)
    theirs = assert_same_at_rest(core, 55, runnable=mode == "runnable")
    texts = "\n".join(line for lines in theirs.values() for line in lines)
    assert ("[originating from goroutine 1]:" in texts) == (mode == "trace")
    assert ("...additional frames elided..." if version == "1.19" else " frames elided...") in texts
    assert "synctest bubble 2]" in texts or version < "1.25"
    assert texts.count("[runnable]") >= 9 or mode != "runnable"


@pytest.mark.parametrize("version", [v for v in matrix.versions() if v >= "1.25"])
def test_a_goroutine_of_a_bubble_that_is_to_run(version: str) -> None:
    """Go 1.25 calls it durable still."""
    theirs = assert_same_at_rest(take_core(build("shapes", version), ["bubble"]), 60)
    woken = next(lines for lines in theirs.values() if " [runnable" in lines[0] and ", synctest bubble" in lines[0])
    assert (" (durable)" in woken[0]) == (version == "1.25")


@pytest.mark.parametrize(("version", "experiment"), EXPERIMENTS)
def test_shapes_of_experiments(version: str, experiment: str) -> None:
    core = take_core(build("shapes", version, experiment=experiment), ["trace"], environment=MORE)
    headers = [lines[0] for lines in assert_same_at_rest(core, 60).values()]
    assert any({"1.24": "synctest group", "1.26": "(leaked)"}[version] in header for header in headers)
    assert any(' labels:{"odd key": ' in header for header in headers) == (version == "1.26")


@pytest.mark.parametrize(("version", "name"), programs())
def test_programs_of_the_runtimes_own_tests(version: str, name: str) -> None:
    assert name not in KNOWN
    built = build("testprog", version, files=runtime_tests(version))
    assert_same_at_rest(take_core(built, [name]), 2, runnable=False)
