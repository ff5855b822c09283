"""go-goroutines --format: profiles against the one that the program wrote of itself, tracebacks against its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple
from typing import Counter as CounterType

import pytest

from tests.e2e.answers import blocks
from tests.e2e.test_damaged_core import Junk
from tests.support import matrix
from tests.support.cores import labelled_core, many_core
from tests.support.gdb import on_core, run_gdb
from tests.support.paths import FixtureError
from tests.support.standalone import goxray
from tests.support.toolchains import toolchains

MAIN = "main.main"  # the goroutine that has gone on since it wrote the profile

# The lines of a stack, "FUNCTION FILE:LINE:0 s=START", from the innermost out; the address of each location.
Stack = Tuple[str, ...]
Key = Tuple[Stack, Tuple[int, ...], str]


def pprof(*words: object) -> str:
    """What `go tool pprof WORDS` prints, of the newest Go that comes with it ready-made (1.25 and later build it)."""
    found = [c for c in toolchains() if (c.root / "pkg/tool/linux_amd64/pprof").exists()]
    if not found:
        raise FixtureError("no toolchain has a pprof: run scripts/setup --tests")
    command = [str(found[0].root / "pkg/tool/linux_amd64/pprof"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr
    return done.stdout


def sections(raw: str) -> Tuple[List[str], List[str]]:
    """The lines of Samples, and of Locations."""
    samples, rest = raw.split("\nSamples:\n")[1].split("\nLocations\n")
    return samples.splitlines()[1:], rest.split("\nMappings\n")[0].splitlines()


def locations(lines: Sequence[str]) -> Dict[int, Tuple[int, Stack]]:
    """number -> (address, lines) as `pprof -raw` prints them."""
    found: Dict[int, Tuple[int, Stack]] = {}
    number = 0
    for line in lines:
        head = re.fullmatch(r"\s+(\d+): (0x[0-9a-f]+) (?:M=\d+ )?(.*)", line)
        if head:
            number = int(head[1])
            found[number] = int(head[2], 16), (head[3].strip(),)
        else:
            address, inner = found[number]
            found[number] = address, (*inner, line.strip())
    return found


def samples(raw: str, limit: int) -> CounterType[Key]:
    """How many goroutines have which stack and labels; stacks as deep as the program's own profile has them."""
    lines, places = sections(raw)
    where = locations(places)
    found: CounterType[Key] = Counter()
    at = 0
    while at < len(lines):
        count, numbers = lines[at].split(":")
        labels = lines[at + 1].strip() if at + 1 < len(lines) and ":[" in lines[at + 1] else ""
        at += 1 + bool(labels)
        stack = tuple(line for number in numbers.split() for line in where[int(number)][1])
        # Cut within a location that has inlined calls, an address would not be told.
        addresses = tuple(where[int(number)][0] for number in numbers.split())
        if not any(line.startswith(f"{MAIN} ") for line in stack):
            found[stack[:limit], addresses[:limit], labels] += int(count)
    return found


@pytest.mark.parametrize("version,arch", matrix.few())
def test_all_forms(version: str, arch: str, tmp_path: Path) -> None:
    core = labelled_core(version, arch)
    ours, scope, stacks = (tmp_path / name for name in ("ours.pb.gz", "scope.json", "stacks"))
    run = on_core(
        core,
        f"go-goroutines --format pprof -o {ours}",
        f"go-goroutines --format speedscope -o {scope}",
        f"go-goroutines --format folded -o {stacks}",
        "go-goroutines --format folded",
        "go-goroutines --format traceback",
        "go-traceback --all",
    )
    total = len(core.facts()["kind"]) + 1
    assert all(f": {total} goroutines, " in output for output in run.outputs[:3]), run.stderr
    limit = 128 if int(version.split(".")[1]) >= 23 else 32  # maxProfStackDepth
    mine, theirs = (samples(pprof("-raw", path), limit) for path in (ours, core.left("goroutine.pb.gz")))
    assert mine == theirs
    assert sum(theirs.values()) == total - 1
    check_folded(stacks.read_text(), theirs)
    check_speedscope(json.loads(scope.read_text()), theirs)
    assert run.outputs[3] == stacks.read_text()
    said, found = blocks(core.left("goroutine.txt").read_text(errors="replace")), blocks(run.outputs[4])
    assert {goid: lines for goid, lines in found.items() if goid != 1} == {g: b for g, b in said.items() if g != 1}
    assert run.outputs[4] == run.outputs[5]


def test_the_profile_in_other_reports(tmp_path: Path) -> None:
    """-top and -traces of the goroutines that are parked: the same text, totals and all."""
    core, ours = labelled_core(matrix.newest()), tmp_path / "ours.pb.gz"
    assert goxray("goroutines", core.exe, core.core, "--format", "pprof", "-o", ours).returncode == 0
    for options in (("-top", "-nodecount=100"), ("-tags",), ("-top", "-tagfocus=tenant=acme")):
        parked = (*options, "-ignore=main.main|main.deep")
        mine, theirs = (pprof(*parked, path) for path in (ours, core.left("goroutine.pb.gz")))
        # What each says of itself: the time, a comment.
        assert told(mine) == told(theirs) != []
    assert "goxray" in pprof("-comments", ours)


def told(report: str) -> List[str]:
    return [line for line in report.splitlines() if not re.match(r"(File|Time|goxray|Build ID)\b", line)]


def root_first(stack: Stack) -> Tuple[Tuple[str, str, int], ...]:
    """(function as tracebacks print it, file, line) from the root to the leaf."""
    found = [re.fullmatch(r"(.*) (\S+):(\d+):0 s=\d+", line) for line in reversed(stack)]
    return tuple((re.sub(r"\[.*\]", "[...]", each[1]), each[2], int(each[3])) for each in found if each)


def check_folded(text: str, theirs: CounterType[Key]) -> None:
    """But for the stack that is deeper than what the program's own profile has of it."""
    expected: CounterType[str] = Counter()
    for (stack, *_), count in theirs.items():
        expected[";".join(function for function, _, _ in root_first(stack))] += count
    found = dict(line.rsplit(" ", 1) for line in text.splitlines())
    assert {stack: int(count) for stack, count in found.items() if ";main.main;" not in stack and is_whole(stack)} == {
        stack: count for stack, count in expected.items() if is_whole(stack)
    }
    assert sum(map(int, found.values())) == sum(theirs.values()) + 1


def is_whole(stack: str) -> bool:
    return "main.deep" not in stack


def check_speedscope(document: Dict[str, Any], theirs: CounterType[Key]) -> None:
    """Its file-format-spec.ts: what a File and a SampledProfile must have, and indices that exist; the same stacks."""
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = document["shared"]["frames"]
    assert all(isinstance(frame["name"], str) and frame["name"] for frame in frames)
    assert all(isinstance(frame.get("line", 1), int) and isinstance(frame.get("file", ""), str) for frame in frames)
    (profile,) = document["profiles"]
    assert document["activeProfileIndex"] == 0
    assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "none", 0)
    assert isinstance(profile["name"], str)
    assert len(profile["samples"]) == len(profile["weights"])
    assert all(0 <= index < len(frames) for stack in profile["samples"] for index in stack)
    assert profile["endValue"] == sum(profile["weights"]) == sum(theirs.values()) + 1
    found: CounterType[Any] = Counter()
    for stack, weight in zip(profile["samples"], profile["weights"]):
        places = tuple((frames[i]["name"], frames[i]["file"], frames[i]["line"]) for i in stack)
        names = {name for name, _, _ in places}
        if not names & {"main.main", "main.deep"}:
            found[places] += weight
    expected: CounterType[Any] = Counter()
    for (stack, *_), count in theirs.items():
        if not any(line.startswith("main.deep ") for line in stack):
            expected[root_first(stack)] += count
    assert found == expected


def test_selections_are_heeded(tmp_path: Path) -> None:
    core, profile = labelled_core(matrix.newest()), tmp_path / "acme"
    run = on_core(
        core, f"go-goroutines --format pprof --label tenant=acme -o {profile} --json",
        "go-goroutines --format folded --with func main\\.deep",
        "go-goroutines --format speedscope --with func nothing",
    )  # fmt: skip
    assert {key: json.loads(run.outputs[0])[key] for key in ("exported", "total", "samples")} == {
        "exported": "pprof", "total": 5, "samples": 1,
    }  # fmt: skip
    assert re.search(r"^ +5: .*\n +tenant:\[acme\]\n", pprof("-raw", profile), re.M)
    (line,) = run.outputs[1].splitlines()
    assert line.count("main.deep") == 401 and line.endswith(" 1")
    assert json.loads(run.outputs[2])["profiles"][0]["samples"] == []


def test_a_crowd(tmp_path: Path) -> None:
    """10,000 goroutines: every form tells of all of them."""
    core, files = many_core(matrix.newest(), 10_000), [tmp_path / name for name in ("pprof", "folded", "speedscope")]
    run = on_core(core, *(f"go-goroutines --format {path.name} -o {path}" for path in files))
    assert all(": 10001 goroutines, " in output for output in run.outputs)
    assert "of 10001 total" in pprof("-top", files[0])
    assert sum(int(line.rsplit(" ", 1)[1]) for line in files[1].read_text().splitlines()) == 10_001
    assert json.loads(files[2].read_text())["profiles"][0]["endValue"] == 10_001


def test_stacks_and_labels_of_junk(tmp_path: Path) -> None:
    """What can be told is exported, and a frame in brackets says where a stack ends."""
    core = labelled_core(matrix.newest())
    junk = Junk(core)
    kinds = dict(fact.split(" ", 1) for fact in core.facts()["kind"])
    broken = next(int(goid) for goid, kind in kinds.items() if kind == "relabelled")
    junk.put(junk.stacks[broken], b"\xff" * 256)
    damaged, ours = tmp_path / "core", tmp_path / "profile"
    damaged.write_bytes(junk.data)
    run = run_gdb(
        [
            "go-goroutines --format folded", f"go-goroutines --format pprof -o {ours}",
            "go-goroutines --with func main.deep --json", "go-goroutines --without func main.deep --json",
        ],
        exe=core.exe, core=damaged,
    )  # fmt: skip
    lines = run.outputs[0].splitlines()
    assert sum(line.startswith("[the stack ends: ") for line in lines) == 1
    assert lines[-1].startswith("warning: the stack of 1 goroutine ends early") and not lines[-1][-1].isdigit()
    assert "warning: the stack of 1 goroutine ends early" in run.outputs[1]
    assert "[the stack ends: " in pprof("-traces", ours)
    # Neither with the function nor without it.
    for output in run.outputs[2:]:
        answer = json.loads(output)
        assert broken not in [each["id"] for each in answer["goroutines"]]
        assert any("func main.deep: 1 goroutine left out" in warning for warning in answer["warnings"])
