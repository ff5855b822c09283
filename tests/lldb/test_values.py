"""lldb's own printing with rebuilt types, on values that the program planted."""

from __future__ import annotations

import pytest

from tests.e2e.test_values import ask, planted
from tests.support import matrix
from tests.support.lldb import on_core

ENDS = [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64")]
NAMES = ("string", "odd", "slice", "nilslice", "anyleaf", "error1", "now", "reader", "wildstring", "write")
POINTERS = ("map", "mixed", "chan", "func", "wildmap")  # which lldb shows the address of, too


@pytest.mark.parametrize("version,arch", ENDS)
def test_planted_values(version: str, arch: str) -> None:
    core, session, lines = planted(version, arch)

    def read(name: str) -> str:
        return f"memory read -c 1 -t '{lines[name]['Type']}' {lines[name]['Address']}"

    names = (*NAMES, *POINTERS)
    run = on_core(core, "go-load-symbols", *map(read, names), read("order"), read("locks"))
    for name, output in zip(names, run.outputs[1:]):
        words = (lines[name]["Address"], lines[name]["Type"], "--width", "0")
        told = ask(session, "go-value", *words).text.splitlines()[0]
        between = r" = 0x[0-9a-f]+ " if name in POINTERS else " = "
        assert output.startswith(f"({lines[name]['Type']}) {lines[name]['Address']} = "), output
        assert output.rstrip("\n").endswith(" " + told) and (between == " = ") == (f"{between}{told}" in output), name
    order, locks = run.outputs[1 + len(names) :]
    assert (
        '  Name = "first"\n  Tags = []string{"a", "b"}\n' in order and "Any = main.leaf{A: 1, B: -2, F: 1.5}" in order
    )
    assert "Mu = sync.Mutex(locked, 2 waiting)" in locks and 'Value = atomic.Value("stored")' in locks
    assert run.stderr == ""
