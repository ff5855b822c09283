"""go-symbols in gdb, on a file, a core and a live program, against `go tool nm` and `go tool addr2line`."""

from __future__ import annotations

import json
import re
from typing import Dict, List, Tuple

import pytest

from tests.e2e.answers import Document, documents, lines_of
from tests.support import matrix, oracle
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.cores import crash_core
from tests.support.gdb import live, on_core, run_gdb, run_under_gdb

BUILDS = [(version, arch, PLAIN) for version, arch in matrix.few()]
BUILDS += [(matrix.newest(), arch, Flags(pie=True)) for arch in ("amd64", "arm64")]
ASKED = ["go-symbols --json", "go-info --json"]


def own(built: Built) -> Dict[int, Tuple[str, int]]:
    """address -> (name, size) of package main by nm; up to Go 1.20 pclntab has type arguments as "[...]"."""
    found = [symbol for symbol in oracle.text_symbols(built) if symbol.name.startswith("main.")]
    return {symbol.address: (symbol.name, symbol.size) for symbol in found}


def listed(document: Document, bias: int = 0) -> Dict[int, Tuple[str, int]]:
    return {
        int(s["address"], 0) - bias: (s["name"], s["size"]) for s in document["symbols"] if s["name"][:5] == "main."
    }


def check_places(built: Built, symbols: List[Document], bias: int) -> None:
    chosen = symbols[:: max(1, len(symbols) // 200)]
    expected = oracle.addr2line(built, [int(symbol["address"], 0) - bias for symbol in chosen])
    for symbol in chosen:
        assert (symbol["file"], symbol["line"]) == expected[int(symbol["address"], 0) - bias][1:], symbol


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_of_a_file_a_core_and_a_process(version: str, arch: str, flags: Flags) -> None:
    built, core = build("crash", version, arch, flags), crash_core(version, arch, flags=flags)
    assert len(own(built)) > 40
    for run in (run_gdb(ASKED, exe=built.exe, arch=arch), on_core(core, *ASKED)):
        symbols, info = documents(run)
        bias = int(info["load_bias"], 0)
        assert listed(symbols, bias) == own(built)
        assert symbols["total"] == len(symbols["symbols"]) == sum(m["functions"] for m in info["modules"])
        check_places(built, symbols["symbols"], bias)
    assert not flags.pie or bias or arch == "arm64"  # qemu loads a PIE without an interpreter at 0


@pytest.mark.parametrize("arch,flags", [("amd64", PLAIN), ("amd64", Flags(pie=True)), ("arm64", PLAIN)])
def test_of_a_live_program(arch: str, flags: Flags) -> None:
    built = build("healthy", matrix.newest(), arch, flags)
    if arch == "amd64":
        run = run_under_gdb(built, *ASKED)
    else:
        with live(built) as program:
            run = program.gdb(*ASKED)
    symbols, info = documents(run)
    assert info["target"]["kind"] == "live" and bool(int(info["load_bias"], 0)) == flags.pie
    assert listed(symbols, int(info["load_bias"], 0)) == own(built)


@pytest.mark.parametrize(
    "version,arch", [(matrix.newest(), "amd64"), (matrix.newest(), "arm64"), (matrix.oldest(), "amd64")]
)
def test_one_by_its_address(version: str, arch: str) -> None:
    built = build("crash", version, arch)
    (symbol,) = [symbol for symbol in oracle.text_symbols(built) if symbol.name == "main.dispatch"]
    places = [symbol.address, symbol.address + symbol.size // 2 // 4 * 4, symbol.address + symbol.size - 4]
    run = run_gdb([f"go-symbols --at {place:#x} --json" for place in places], exe=built.exe, arch=arch)
    expected = oracle.addr2line(built, places)
    for place, answer in zip(places, documents(run)):
        (found,) = answer["symbols"]
        assert (found["name"], int(found["address"], 0), answer["offset"]) == (
            "main.dispatch",
            symbol.address,
            place - symbol.address,
        )
        assert (found["file"], found["line"]) == expected[place][1:]
    text = run_gdb([f"go-symbols --at {places[1]}", "go-symbols --at 0x10"], exe=built.exe, arch=arch)
    assert f"main.dispatch+{places[1] - symbol.address:#x}  " in text.outputs[0]
    assert text.stderr == "0x10 is in no Go function\n"


def test_text_and_patterns() -> None:
    built = build("crash", matrix.newest())
    commands = ["go-symbols ^main\\.", "go-symbols ^main\\. --limit 2", "go-symbols nowhere", "go-symbols '('"]
    commands += ["go-symbols --files crash\\.go$", "go-symbols --files nowhere", "go-symbols 'PILE|Pile\\['"]
    run = run_gdb(commands, exe=built.exe)
    head, *rows = lines_of(run, 0)
    assert re.split(" +", head) == ["ADDRESS", "SIZE", "FUNCTION", "SOURCE"]
    cells = [re.split(r"  +", row.strip()) for row in rows]
    assert {
        int(at, 16): (name, int(size))
        for at, size, name, _ in ([*c[0].split(), *c[1:]] if len(c) == 3 else c for c in cells)
    } == own(built)
    starts = {row.index(row.split("  ")[-1].strip()) for row in rows}
    assert len(starts) == 1 and head.index("SOURCE") in starts
    assert lines_of(run, 1)[-1] == f"(2 of {len(rows)} shown)" and len(lines_of(run, 1)) == 4
    assert lines_of(run, 2) == ["no function has such a name"]
    assert run.stderr.startswith("bad regular expression '('") and len(run.stderr.splitlines()) == 1
    assert lines_of(run, 4) == [str(built.source / "crash.go")]
    assert lines_of(run, 5) == ["no source file has such a path"]
    assert all("Pile[" in row for row in lines_of(run, 6)[1:])


def test_json_is_all_of_stdout_where_gdb_says_nothing_itself() -> None:
    run = run_gdb(["go-symbols --json"], exe=build("hello", matrix.newest()).exe, arch="amd64")
    assert json.loads(run.stdout) == json.loads(run.outputs[0])
    assert run.stderr == ""
