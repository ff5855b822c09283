"""$go_value, and gdb's own printing with rebuilt types, on values that the program planted."""

from __future__ import annotations

import re
from typing import Dict

import pytest

from tests.e2e.test_values import ask, planted
from tests.support import matrix
from tests.support.gdb import on_core

ENDS = [(matrix.newest(), "amd64"), ("1.23", "amd64"), (matrix.oldest(), "amd64"), (matrix.newest(), "arm64")]
# What gdb makes of values whose parts it knows itself, with what the program gave them.
PRINTED = {
    "string": '"plain"', "slice": "[]int len 2 cap 3 = {1, 2}", "anyleaf": "main.leaf{A: 0, B: 2, F: 0}",
    "map": 'map[string]int len 3 = {["a"] = 1, ["b"] = 2, ["c"] = 3}', "nilmap": "map[string]int(nil)",
    "nilslice": "[]int(nil)", "emptyslice": "[]int len 0 cap 4", "nilfunc": "(func())(nil)",
    "nested": '[][]string len 3 cap 3 = {[]string len 1 cap 1 = {"x"}, []string(nil), []string len 0 cap 0}',
    "text": '[]uint8("some text\\n")', "bytes": "[]uint8{0, 1, 255}",
    "wildslice": "[]int(? a length of 5 and a capacity of 2)", "duration4": "time.Duration(1m30s)",
}  # fmt: skip
TEXTS = ("odd", "error1", "chan", "func", "named", "wildstring", "wildmap", "wildany", "now", "bigint")


@pytest.mark.parametrize("version,arch", ENDS)
def test_planted_values(version: str, arch: str) -> None:
    core, session, lines = planted(version, arch)

    def value(name: str) -> str:
        return f'$go_value({lines[name]["Address"]}, "{lines[name]["Type"]}")'

    def told(name: str) -> str:
        words = (lines[name]["Address"], lines[name]["Type"], "--width", "0")
        return ask(session, "go-value", *words).text.splitlines()[0]

    names = [*PRINTED, *TEXTS]
    run = on_core(core, "set print elements 2000", "go-load-symbols", *(f"print {value(name)}" for name in names),
                  f"print {value('order')}", f"print {value('pointer')}.Notes", f"print {value('order')}.ID + 1",
                  "print $go_value(16, \"main.order\")", f"print {value('locks')}", f"print {value('biggrowing')}",
                  "disable pretty-printer", f"print {value('string')}")  # fmt: skip
    got = dict(zip(names, (re.sub(r"^\$\d+ = ", "", output).rstrip("\n") for output in run.outputs[2:])))
    expected: Dict[str, str] = {**PRINTED, **{name: told(name) for name in TEXTS}}
    assert got == expected
    order, notes, number, nothing, locks, growing, _, plain = run.outputs[2 + len(names) :]
    assert '{ID = 1, Name = "first", Tags = []string len 2 cap 2 = {"a", "b"}, next = 0x0, ' in order
    assert 'Any = main.leaf{A: 1, B: -2, F: 1.5}, Err = &errors.errorString{s: "EOF"}, ' in order
    assert 'map[string]int len 3 = {["a"] = 1, ["m"] = 13, ["z"] = 26}' in notes and number.endswith(" = 2\n")
    assert nothing == "" and "Cannot access memory at address 0x10" in run.stderr
    assert "Mu = sync.Mutex(locked, 2 waiting), RW = sync.RWMutex(read-locked by 2, " in locks
    assert 'map[int32]string len 6700 = {[0] = "0", [1] = "1", [2] = "2", ' in growing
    assert re.fullmatch(r'\$\d+ = 0x[0-9a-f]+ "plain"\n', plain)  # gdb's own notion of Go


def test_before_there_are_symbols() -> None:
    core, _, lines = planted(matrix.newest(), "amd64")
    run = on_core(
        core,
        f'print $go_value({lines["map"]["Address"]}, "map[string]int")',
        'print $go_value(16, "main.order")',
        'print $go_value(16, "no.such")',
    )
    assert run.outputs[0].endswith(r' = "map[string]int{\"a\": 1, \"b\": 2, \"c\": 3}"' + "\n")
    assert "cannot read 128 bytes at 0x10" in run.stderr and "no type is called no.such" in run.stderr
