"""go-args --frame at the entries of functions in live programs: against what each function then says it was given."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import pytest

from tests.e2e.answers import Document
from tests.support import matrix, oracle
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.cores import ENVIRONMENT, run_command, wait_for
from tests.support.gdb import GdbRun, run_gdb

# In the order in which they are called; each is stopped at once.
FUNCTIONS = (
    *("main.mixed", "main.work.func1", "main.floats", "main.pieces", "main.generic", "main.(*request).method"),
    *("main.bigResult", "main.unused", "main.leaf", "main.leafFloat"),
)
GUESSED = ("main.unused", "main.leaf")
# Kind and text of what each shows; the words of the others look like nothing.
SHAPES = {
    "main.mixed": [
        *[("string", "a text of /some/path"), ("slice", "len 2 cap 3")],
        *[("interface", "main.handler holding *main.server"), ("interface", "any holding int")],
    ],
    "main.generic": [("string", "generic text")],
    "main.(*request).method": [("string", "ключ")],
    "main.bigResult": [("string", "big")],
    "main.unused": [("string", "unseen")],
}
ASK = "go-args --frame 0 --json"
BUILDS = [(version, arch, PLAIN) for version, arch in matrix.few()]
BUILDS += [(version, "amd64", Flags(noopt=True)) for version in (matrix.newest(), matrix.oldest())]


def entries(built: Built) -> Dict[str, int]:
    """The address of each of FUNCTIONS, by the twin's symbols."""
    found = {re.sub(r"\[.*", "", symbol.name): symbol.address for symbol in oracle.text_symbols(built)}
    return {name: found[name] for name in FUNCTIONS}


def stops(built: Built, commands: Sequence[str], places: Sequence[int]) -> Tuple[GdbRun, str]:
    """gdb's run of `commands` at each of `places` in turn, and what the program said on stderr."""
    # Breakpoints that are gone once hit: nothing is then left to be stepped over, which qemu's server does not manage.
    breaks = [f"tbreak *{place:#x}" for place in places]
    steps = [step for _ in places for step in (*commands, "continue")]
    calm = ["handle all nostop noprint pass"]
    if built.arch == "amd64":
        settings = [*calm, "set startup-with-shell off", "set environment GODEBUG=asyncpreemptoff=1"]
        run = run_gdb(steps, exe=built.exe, before=[*settings, *breaks, "run"])
        return run, run.stderr
    for _ in range(3):
        run, text = emulated(built, [*calm, *breaks, "continue"], steps)
        # In one run of some hundred qemu 7.2's server misses a breakpoint, and the program is at its end.
        if "is not being run" not in run.stderr:
            break
    return run, text


def emulated(built: Built, before: Sequence[str], steps: Sequence[str]) -> Tuple[GdbRun, str]:
    """The same under qemu, which is told of `before` as soon as it listens."""
    with tempfile.TemporaryDirectory(prefix="goxray-entry-") as name:
        socket, text = Path(name) / "gdb.socket", Path(name) / "stderr"
        with open(text, "wb") as err:
            process = subprocess.Popen(
                run_command(built, [], "-g", str(socket)), cwd=name, stdin=subprocess.DEVNULL, stderr=err,
                stdout=subprocess.DEVNULL, env={**ENVIRONMENT, "GODEBUG": "asyncpreemptoff=1"},
            )  # fmt: skip
        try:
            wait_for(socket.exists, process)
            start = [f"target remote {socket}", *before]
            return run_gdb(steps, exe=built.exe, arch="arm64", before=start), text.read_text()
        finally:
            process.kill()
            process.wait()


def given(text: str) -> Dict[str, List[int]]:
    """function -> the words that it said it was given."""
    facts = re.findall(r"^fact (\S+)((?: 0x[0-9a-f]+)*)$", text, re.MULTILINE)
    return {name: [int(word, 16) for word in words.split()] for name, words in facts}


def value_of(word: Document) -> Optional[int]:
    """The argument's value as the answer has it: in its register, or where it always was."""
    if word["register"] is not None:
        return None if word["register"]["value"] is None else int(word["register"]["value"], 16)
    return int(word["value"], 16) if word["live"] else None


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_arguments_in_registers(version: str, arch: str, flags: Flags) -> None:
    built = build("entries", version, arch, flags)
    places = entries(built)
    run, text = stops(built, [ASK], list(places.values()))
    said = given(text)
    said["main.unused"] = [0x1234, *said["main.unused"]]
    for name, output in zip(places, run.outputs[::2]):
        # gdb may first have to say which thread it has switched to.
        answer = json.loads(output[output.index("{") :])
        (frame,) = answer["frames"]
        assert re.sub(r"\[.*", "", frame["function"]) == name and int(frame["pc"], 16) == places[name]
        assert "first instruction" in frame["note"]
        check_words(name, frame["args"], said[name], flags)
        shapes = [
            word["inferred"] for word in frame["args"] if word["inferred"] and word["inferred"]["kind"] != "stack"
        ]
        assert [(shape["kind"], shape["text"]) for shape in shapes] == SHAPES.get(name, [])


def check_words(name: str, words: List[Document], said: List[int], flags: Flags) -> None:
    values = [value_of(word) for word in words]
    known = [value for value in values if value is not None]
    if name == "main.leafFloat" and not flags.noopt:
        # Without a stack frame nothing tells which argument it has in a float register.
        assert not known
    elif name == "main.unused":
        assert known[0] == said[0]
    else:
        assert known == said[: len(words)] and len(words) >= min(len(said), 10)
    registers = [word["register"] for word in words if word["register"] is not None]
    if not flags.noopt and name != "main.leafFloat":
        assert registers and {bool(register["inferred"]) for register in registers} == {name in GUESSED}
    # What has a register is not where it will be stored yet.
    assert all(not word["live"] for word in words if word["register"] is not None)


def test_past_the_entry() -> None:
    """Through the first instructions: a word is live in its slot, or in its register, or nothing is said."""
    built = build("entries", matrix.newest())
    place = entries(built)["main.pieces"]
    commands = [word for _ in range(30) for word in (ASK, "stepi")]
    run, text = stops(built, [*commands, "continue"], [place])
    said = given(text)["main.pieces"]
    seen = set()
    for output in run.outputs[:-1:2]:
        (frame,) = json.loads(output)["frames"]
        if frame["function"] != "main.pieces":
            break
        if frame["note"] is None:
            break
        values = [value_of(word) for word in frame["args"]]
        assert all(value in (None, expected) for value, expected in zip(values, said))
        seen.add((sum(value is not None for value in values), "first" in frame["note"]))
    assert (len(said), True) in seen and (len(said), False) in seen


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_interrupted_by_a_signal(version: str) -> None:
    """In the handler of a signal that came at an entry: its registers are in what the kernel saved."""
    built = build("entries", version)
    (handler,) = [s.address for s in oracle.text_symbols(built) if s.name == "runtime.sighandler"]
    commands = [f"tbreak *{handler:#x}", "signal SIGURG", ASK, "go-args --frame --json"]
    run, text = stops(built, commands, [entries(built)["main.mixed"]])
    (frame,) = json.loads(run.outputs[2])["frames"]
    assert frame["function"] == "main.mixed" and json.loads(run.outputs[3])["frames"][0] == frame
    assert [value_of(word) for word in frame["args"]] == given(text)["main.mixed"][:10]


def test_in_text() -> None:
    built = build("entries", matrix.newest())
    run, _ = stops(built, ["go-args --frame 0"], [entries(built)["main.floats"]])
    _, head, note, titles, *rows = run.outputs[0].splitlines()
    assert head.startswith("#0  main.floats(0xfffffffffffffffb, 0x3ff8000000000000, 0xfffffffa, 0x40100000, 0xc8, {")
    assert note.startswith("    at its first instruction") and titles.split()[-1] == "REGISTER"
    assert [row.split()[-1].split("=")[0] for row in rows] == [
        *["rax", "xmm0", "rbx", "xmm1", "rcx", "xmm2", "xmm3", "rdi"]
    ]
