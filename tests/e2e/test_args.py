"""go-args in gdb: against what the program was started with, and the words that the runtime prints for a stack."""

from __future__ import annotations

import json
import re
from typing import List, Tuple

import pytest

from tests.e2e.answers import Document, ask, lines_of
from tests.support import matrix
from tests.support.build import PLAIN, Flags, build
from tests.support.cores import ENVIRONMENT, Core, crash_core, healthy_core, take_core
from tests.support.gdb import on_core, run_gdb
from tests.support.traceback import by_id, parse_traceback

BUILDS = [(version, arch, PLAIN) for version, arch in matrix.few()]
BUILDS += [build for build in matrix.variants() if build[2].pie or build[2].cgo]


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_arguments_and_environment(version: str, arch: str, flags: Flags) -> None:
    core = crash_core(version, arch, flags=flags)
    short, full = ask(core, "go-args", "go-args --env")
    assert short["args"] == full["args"] == core.facts()["arg"] == list(core.args)
    assert full["env"] == core.facts()["env"]
    assert dict(entry.split("=", 1) for entry in full["env"]).items() >= core.environment.items()
    assert "env" not in short


ODD = [
    "",
    "two\nlines",
    "tab\tand \"quotes\" 'too' \\",
    "not UTF-8: \udcff\udcc3(",
    "\x1b[31mred\x1b[0m",
    "ключ=値",
    "x" * 100_000,
]


def odd_core(arch: str) -> Core:
    return take_core(
        build("keepalive", matrix.newest(), arch),
        ["", *ODD],
        {**ENVIRONMENT, "ODD_TOO": "\udcfe\n=\x07"},
        abort_at="ready",
    )


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_odd_bytes(arch: str) -> None:
    core = odd_core(arch)
    run = on_core(core, "go-args --env --json", "go-args --env")
    document = json.loads(run.outputs[0])
    assert document["args"][1:] == [shown(text) for text in ["", *ODD]]
    assert "ODD_TOO=" + shown("\udcfe\n=\x07") in document["env"]
    # In text every argument and entry is one line that a terminal can be trusted with.
    text = run.outputs[1]
    assert len(text.splitlines()) == len(document["args"]) + len(document["env"])
    assert all(line.isprintable() for line in text.splitlines())
    assert r'os.Args[3] = "two\nlines"' in text and r"not UTF-8: \xff\xc3(" in text and r"\x1b[31mred" in text
    assert r"ODD_TOO=\xfe\n=\x07" in text


def shown(text: str) -> str:
    """What JSON holds of an argument that need not be UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def words_of(frame: Document) -> List[Tuple[int, str]]:
    """(value, "?" if it is dead) of the argument words in a document."""
    return [(int(word["value"], 0), "" if word["live"] else "?") for word in frame["args"] or []]


def printed_words(args: str) -> List[Tuple[int, str]]:
    return [(int(value, 16), mark) for value, mark in re.findall(r"(0x[0-9a-f]+)(\??)", args)]


@pytest.mark.parametrize("version,arch", matrix.few())
@pytest.mark.parametrize("mode", ["panic", "nil", "range"])
def test_words_of_frames(version: str, arch: str, mode: str) -> None:
    core = crash_core(version, arch, mode)
    expected = by_id(parse_traceback(core.stderr))
    answers = ask(core, *(f"go-args --frame --goroutine {goid}" for goid in expected))
    some_dead = some_live = 0
    for (goid, goroutine), answer in zip(expected.items(), answers):
        assert answer["goroutine_id"] == goid
        # Of the goroutine that crashed ours has a few frames more, on top.
        frames = answer["frames"][-len(goroutine.frames) :]
        for frame, printed in zip(frames, goroutine.frames):
            assert (frame["args"] is None) == printed.inlined or not printed_words(printed.args or "")
            if not printed.inlined:
                assert words_of(frame) == printed_words(printed.args or ""), printed
                some_dead += (printed.args or "").count("?")
                some_live += len(words_of(frame))
    assert some_live > some_dead > 0


READ = (
    "python import json; r = gdb.selected_inferior().read_memory; "
    "print(json.dumps([int.from_bytes(r(a, n).tobytes(), 'little') for a, n in %s]))"
)


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_words_are_where_it_says(arch: str) -> None:
    core = crash_core(matrix.newest(), arch)
    (answer,) = ask(core, "go-args --frame")
    words = [word for frame in answer["frames"] for word in frame["args"] or []]
    assert {word["size"] for word in words} >= {1, 4, 8}
    run = on_core(core, READ % [(int(word["slot"], 0), word["size"]) for word in words])
    assert json.loads(run.outputs[0]) == [int(word["value"], 0) for word in words]


def test_frames_in_text() -> None:
    core = crash_core(matrix.newest())
    (document,) = ask(core, "go-args --frame")
    number, frame = next((i, f) for i, f in enumerate(document["frames"]) if f["function"] == "main.dispatch")
    main = next(i for i, f in enumerate(document["frames"]) if f["function"] == "main.main")
    run = on_core(core, f"go-args --frame {number}", f"go-args --frame {main}", f"go-args --frame {number} --json")
    head, first, titles, *rows = lines_of(run, 0)
    (printed,) = [f.args for f in parse_traceback(core.stderr)[0].frames if f.function == "main.dispatch"]
    assert head == "goroutine 1" and first.startswith(f"#{number}  main.dispatch({printed})  ")
    assert titles.split() == ["ADDRESS", "OFFSET", "SIZE", "VALUE", "LIVE", "INFERRED", "POINTS", "TO"]
    assert {w["target"] for w in frame["args"]} > {None}
    assert [(row.split()[0], row.split()[4] == "yes") for row in rows] == [
        (w["slot"], w["live"]) for w in frame["args"]
    ]
    assert lines_of(run, 1)[1].startswith(f"#{main}  main.main()") and lines_of(run, 1)[2] == "    no arguments"
    assert json.loads(run.outputs[2])["frames"] == [frame]


def test_wrong_options() -> None:
    core = healthy_core(matrix.newest())
    quiet = on_core(core, "echo").stderr
    run = on_core(core, "go-args --frame 99 --goroutine 1", "go-args --frame --goroutine 4242", "go-args extra")
    lines = run.stderr[len(quiet) :].splitlines()
    assert re.match(r"goroutine 1 has \d+ frames, numbered from 0$", lines[0])
    assert lines[1].startswith("there is no goroutine 4242") and lines[2].startswith("go-args: unrecognized arguments")
    assert len(lines) == 3
    file = run_gdb(["go-args", "print $_go_status"], exe=core.exe)
    assert len(file.stderr.splitlines()) == 1 and "no process" in file.stderr
    assert lines_of(file, 1) == ["$1 = 2"]
