"""go-crash against the very text that the dying process printed, over every way to go down, in several builds."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Dict, List, Tuple

import pytest

from shared_core.commands.runner import run
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.e2e.answers import place, place_of
from tests.support import matrix
from tests.support.build import Flags, build, program_files
from tests.support.cores import Core, crash_core, healthy_core, take_core
from tests.support.gdb import live, on_core, run_gdb
from tests.support.oracle import nm
from tests.support.paths import PROGRAMS
from tests.support.standalone import Word, goxray
from tests.support.traceback import parse_traceback

CLASSES = {
    "nil": "memory:nil-deref", "index": "memory:out-of-bounds", "negative": "memory:out-of-bounds",
    "slice": "memory:out-of-bounds", "convert": "memory:out-of-bounds", "divide": "arithmetic:divide-by-zero",
    "assert": "type:assertion", "method": "type:assertion", "nilmap": "memory:nil-map", "make": "memory:bad-size",
    "maps": "concurrency:map-writes", "deadlock": "concurrency:deadlock", "goexit": "concurrency:deadlock",
    "closed": "channel:closed", "closing": "channel:closed", "nilclose": "channel:close-of-nil",
    "refused": "network:refused", "timeout": "timeout:context", "stack": "resource:stack-overflow",
    "oom": "resource:oom", "threads": "resource:too-many-threads", "unlock": "concurrency:unlock-of-unlocked",
    "fault": "memory:bad-address", "custom": "panic:error", "wrapped": "panic:error", "value": "panic:error",
    "errno": "panic:error", "path": "panic:error", "lines": "panic:user", "string": "panic:user",
    "stringer": "panic:user", "int": "panic:user", "bool": "panic:user", "float": "panic:user", "code": "panic:user",
    "text": "panic:user", "ratio": "panic:user", "struct": "panic:user", "pointer": "panic:user", "null": "panic:nil",
    "nested": "panic:user", "recovered": "panic:user", "again": "memory:nil-deref", "exits": "panic:user",
    "onfault": "memory:bad-address", "trap": "signal:trap", "raise": "signal:own", "healed": "signal:external",
    "quit": "signal:external",
}  # fmt: skip
NATIVE = {path.name: path.read_text() for path in sorted((PROGRAMS / "native").iterdir())}
TYPES = {
    "index": "runtime.boundsError", "assert": "*runtime.TypeAssertionError", "closed": "runtime.plainError",
    "custom": "*main.failure", "value": "main.rich", "errno": "syscall.Errno", "path": "*fs.PathError",
    "stringer": "main.named", "string": "string", "code": "main.code", "pointer": "*main.point",
}  # fmt: skip
VALUES = {
    "index": "runtime.boundsError{x: 7, y: 5, signed: true, code: 0}",
    "custom": '&main.failure{Code: 507, Where: "the cellar", Seen: &main.point{X: 3, Y: 4}, Tags: []string{"a", "b"},'
    ' err: &errors.errorString{s: "no light"}}',
    "value": "main.rich{amount: -12}",
    "struct": "main.point{X: 1, Y: 2}",
    "code": "main.code(-7)",
    "lines": r'"two\nlines \x1b[31mred"',
}
SIGNALS = ("raise", "trap", "healed", "quit")
# Of the oldest Go: panic(nil) was an error only since Go 1.21.
VERSIONS = [matrix.newest(), matrix.versions()[len(matrix.versions()) // 2], matrix.oldest()]
PAIRS = [(version, "amd64") for version in VERSIONS] + [(matrix.newest(), "arm64")]
# qemu obeys no limit of memory, and delivers no fault of a stack that is full.
MODES = [(v, a, m) for v, a in PAIRS for m in CLASSES if (a, m) not in (("arm64", "oom"), ("arm64", "raise"))]


def died(version: str, arch: str, mode: str) -> Core:
    abort = "ready" if mode in ("healed", "quit") else None
    return take_core(build("crashes", version, arch), [mode], abort_at=abort, under_gdb=False)


def card(core: Core) -> Dict[str, Any]:
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    outcome = run(lambda: session, "go-crash", "--json", debug=True)
    assert outcome.error == "", outcome.trace
    found: Dict[str, Any] = json.loads(outcome.text)
    assert outcome.status == (0 if found["class"] == "none" else 1)
    return found


@cache
def answer(version: str, arch: str, mode: str) -> Tuple[Core, Dict[str, Any]]:
    core = died(version, arch, mode)
    return core, card(core)


def printed(found: Dict[str, Any], version: str) -> List[str]:
    """The lines that come before the first goroutine (printpanics, throw, dopanic_m, fatalsignal)."""
    minor = int(version.split(".")[1])
    lines: List[str] = []
    tab, before = "", None
    for panic in found["panics"]:
        if before is not None and not before["goexit"]:
            tab = "\t"
        # Since Go 1.25 one that was raised again is not printed twice.
        if not panic["goexit"] and not (before is not None and before["repanicked"]):
            text = panic["message"].replace("\n", "\n\t" if minor >= 23 else "\n")
            state = ", repanicked" if panic["repanicked"] else ""
            lines += (f"{tab}panic: {text}" + (f" [recovered{state}]" if panic["recovered"] else "")).split("\n")
        before = panic
    lines += (found["printed_before"] or "").splitlines()
    lines += [f"fatal error: {found['fatal']}"] if found["fatal"] is not None else []
    signal = found["signal"]
    if signal is not None:
        lines.append(f"[signal {signal['name']}: code={signal['code']:#x} addr={signal['address']} pc={signal['pc']}]")
    return lines


def said(core: Core) -> List[str]:
    """The same lines of the process itself; what the C library calls the signal is left out."""
    head = re.split(r"\n\n|\n(?=goroutine )", core.stderr)[0]
    return re.sub(r"(?m)^(\[signal \w+: ).*?(code=)", r"\1\2", head).splitlines()


@pytest.mark.parametrize("version,arch,mode", MODES)
def test_what_was_printed(version: str, arch: str, mode: str) -> None:
    core, found = answer(version, arch, mode)
    expected = CLASSES[mode] if (version, mode) != (matrix.oldest(), "null") else "panic:user"
    assert (found["class"], found["labels"][0]) == (expected, expected)
    if mode in SIGNALS:
        (name,) = re.findall(r"^(SIG\w+): ", core.stderr, re.M)[:1]
        pc, code = re.findall(r"^PC=(0x[0-9a-f]+) m=\d+ sigcode=(-?\d+)", core.stderr, re.M)[0]
        signal = found["signal"]
        assert (signal["name"], signal["pc"], signal["code"]) == (name, pc, int(code))
        assert found["panics"] == [] and found["fatal"] is None
        assert signal["registers"][{"amd64": "rip", "arm64": "pc"}[arch]] == pc
    else:
        # Two goroutines may find at once that they write to one map.
        assert printed(found, version) == said(core)[: -found["other_crashes"] or None]
    check_stack(core, found)
    check_values(found, mode)


def check_stack(core: Core, found: Dict[str, Any]) -> None:
    """The goroutine that died is the first whose stack was printed, and its frames are those."""
    if found["goroutine"] is None or found["other_crashes"]:
        return
    first = next(g for g in parse_traceback(core.stderr) if g.id)
    assert found["goroutine"]["id"] == first.id
    frames = first.frames if not first.elided else first.frames[:40]
    if found["kind"] == "signal" or found["fatal"] == "stack overflow":
        return
    assert [place(frame) for frame in found["frames"]][: len(frames)] == list(map(place_of, frames))


def check_values(found: Dict[str, Any], mode: str) -> None:
    """What panic was called with, although the runtime has put texts in the place of errors."""
    panic = found["panics"][-1] if found["panics"] else {"type": None, "value": None, "wraps": []}
    assert panic["type"] == TYPES.get(mode, panic["type"]) and panic["value"] == VALUES.get(mode, panic["value"])
    if mode == "refused":
        assert [each["type"] for each in panic["wraps"]] == ["*net.OpError", "*os.SyscallError", "syscall.Errno"]
        assert [each["message"] for each in panic["wraps"]][1:] == ["connect: connection refused", "connection refused"]
    if mode == "nil":
        assert found["signal"]["function"] == "main.deref" and "8]" in found["signal"]["instruction"]


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_a_busy_program(version: str, arch: str) -> None:
    healthy = card(healthy_core(version, arch))
    assert healthy["class"] in ("signal:external", "none")
    assert healthy["signal"] is None or healthy["signal"]["name"] == "SIGABRT"
    for mode, name in {
        "again": "panic:user",
        "throw": "concurrency:unlock-of-unlocked",
        "goroutine": "panic:error",
    }.items():
        core = crash_core(version, arch, mode)
        found = card(core)
        assert found["class"] == name and printed(found, version) == said(core)
        check_stack(core, found)


def test_signatures_are_of_crashes_not_of_builds() -> None:
    """The same in builds of another version, with a line more, with trimmed paths; each crash has its own."""
    version, other = VERSIONS[0], VERSIONS[1]
    text = program_files("crashes")["crashes.go"].replace("import (", "import (\n\n\n", 1)
    changed = text.replace(
        '"nil":      func() {', '"another": func() { panic(1) },\n\t"nil":      func() {\n\t\tzero = 0\n'
    )
    signatures: Dict[str, str] = {}
    for mode in ("nil", "index", "again", "nested", "refused", "stack", "unlock", "deadlock", "custom", "maps"):
        moved = take_core(build("crashes", version, files={"crashes.go": changed}, flags=Flags(trimpath=True)), [mode])
        cards = [answer(version, "amd64", mode)[1], answer(other, "amd64", mode)[1], card(moved)]
        assert len({each["signature"] for each in cards}) == len({each["signature_id"] for each in cards}) == 1, mode
        assert "0x" not in cards[0]["signature"] and not re.search(r"func\d", cards[0]["signature"])
        signatures[mode] = cards[0]["signature_id"]
    assert len(set(signatures.values())) == len(signatures)


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_crashes_in_c(version: str) -> None:
    for mode in ("segv", "abort"):
        core = take_core(build("native", version, flags=Flags(cgo=True), files=NATIVE), [mode, "panic"])
        found = card(core)
        assert found["class"] == "cgo:signal", mode


def test_text_is_one_line_per_fact() -> None:
    core = died(matrix.newest(), "amd64", "lines")
    text = on_core(core, "go-crash").outputs[0]
    assert "\x1b" not in text and "two\\nlines \\x1b[31mred" in text
    lines = on_core(died(matrix.newest(), "amd64", "nil"), "go-crash").outputs[0].splitlines()
    assert lines[0].split() == ["class", "memory:nil-deref"]


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_live_before_the_runtime_hears_of_it(version: str) -> None:
    """gdb stops at the fault itself; then where the runtime begins to report the panic that it makes of it."""
    built = build("crashes", version)
    (entry,) = (symbol.address for symbol in nm(built) if symbol.name == "runtime.fatalpanic")
    start = ("set startup-with-shell off", "set args nil", "run")
    steps = ("go-crash --json", f"break *{entry:#x}", "continue", "go-crash --json")
    run = run_gdb(steps, exe=built.exe, before=start)
    fault, report = json.loads(run.outputs[0]), json.loads(run.outputs[-1])
    assert fault["class"] == "memory:nil-deref" and fault["signal"]["touches"] == "0x8"
    assert fault["frames"][0]["function"] == "main.deref" and fault["panics"] == []
    assert report["class"] == "memory:nil-deref" and report["signal"]["address"] == "0x8"
    assert [each["type"] for each in report["panics"]] == ["runtime.errorString"]


@pytest.mark.parametrize("version,arch", [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64")])
def test_nothing_happened(version: str, arch: str) -> None:
    """A running process, a panic that was recovered in it included; a core that gdb wrote at a signal from outside."""
    with live(build("crashes", version, arch), "healed") as program:
        status, text = goxray_status("crash", "--pid", program.pid or 0, "--json")
        assert (status, json.loads(text)["class"], json.loads(text)["panics"]) == (0, "none", [])
        assert program.gdb("go-crash", "print $_go_status").outputs[0].startswith("no crash: ")
    written = take_core(build("healthy", version, arch), (), abort_at="ready", under_gdb=True)
    assert card(written)["class"] in ("signal:external", "none")


def goxray_status(*words: Word) -> Tuple[int, str]:
    done = goxray(*words)
    return done.returncode, done.stdout
