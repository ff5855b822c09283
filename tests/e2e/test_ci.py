"""goxray ci on planted crashes, deadlocks and leaks beside a busy program, and on what is no whole core."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from shared_core.ci.command import main
from tests.e2e.test_damaged_core import Junk
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, crash_core, take_core
from tests.support.paths import ROOT
from tests.support.reports import checked_junit, checked_sarif
from tests.support.standalone import Word, goxray
from tests.support.traceback import parse_traceback

Document = Dict[str, Any]
VERSIONS = (matrix.newest(), matrix.versions()[len(matrix.versions()) // 2], matrix.oldest())
# What it tells is the answer of other commands, which are tested on all versions.
PAIRS = [(v, a) for v, a in matrix.pairs() if matrix.is_full() or v in (VERSIONS if a == "amd64" else VERSIONS[::2])]
VERDICTS = {0: "ok", 1: "FAIL", 2: "ERROR"}


def planted(version: str, arch: str) -> Dict[str, Core]:
    return {
        "nil": crash_core(version, arch, "nil"),
        "deadlock": take_core(build("waits", version, arch), ["deadlock"]),
        "leaks": take_core(build("leaks", version, arch), abort_at="ready"),
        "busy": take_core(build("busy", version, arch), abort_at="ready"),
    }


def here(*words: Word) -> Tuple[int, str, str]:
    """(status, stdout, stderr) of the command in this very process."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main(list(map(str, words)))
    return status, out.getvalue(), err.getvalue()


def ask(*words: Word) -> Tuple[int, Document]:
    status, text, _ = here(*words, "--json")
    found: Document = json.loads(text)
    assert found["status"] == status
    return status, found


def first_own(core: Core) -> str:
    """ "main.f src/a.go:7": the innermost frame of package main that the process printed of the one that crashed."""
    frames = next(each for each in parse_traceback(core.stderr) if each.id).frames
    frame = next(each for each in frames if each.function.startswith("main."))
    return f"{frame.function} {'/'.join(frame.file.split('/')[-2:])}:{frame.line}"


@pytest.mark.parametrize("version,arch", PAIRS)
def test_planted(version: str, arch: str, tmp_path: Path) -> None:
    cores = planted(version, arch)
    paths = [core.core for core in cores.values()] + [core.exe for core in cores.values()][::-1]
    files = {"--junit": tmp_path / "ci.xml", "--sarif": tmp_path / "ci.sarif"}
    outside = ("--ignore", "signal:external")
    done = goxray("ci", *paths, *outside, *(word for pair in files.items() for word in pair), "--json")
    status, found = done.returncode, json.loads(done.stdout)
    assert status == 1 and [each["verdict"] for each in found["cores"]] == ["found"] * 3 + ["fine"]
    nil, deadlock, leaks, busy = found["cores"]
    assert (nil["class"], nil["signature"].split()[0]) == ("memory:nil-deref", "memory:nil-deref")
    message = re.findall(r"^panic: (.*?)(?: \[recovered.*)?$", cores["nil"].stderr, re.M)[0]
    assert nil["summary"].startswith(f"panic: {message}, at {first_own(cores['nil'])}")
    assert (deadlock["class"], deadlock["findings"][0]["kinds"]) == ("concurrency:deadlock", ["crash", "deadlock"])
    assert deadlock["summary"].startswith(re.findall("^fatal error: .*$", cores["deadlock"].stderr, re.M)[0])
    claimed = {each["place"]["function"] for each in leaks["findings"] if each["kinds"] == ["leak"]}
    assert {"main.sendsToNobody", "main.receivesNil", "main.sleepsForEver"} <= claimed
    assert {each["class"] for each in busy["findings"]} <= {"signal:external"}
    assert all(sum(each["quarters"].values()) == each["goroutines"] for each in found["cores"])
    check_files(files, [nil, deadlock, leaks, busy])


def check_files(files: Dict[str, Path], cores: List[Document]) -> None:
    suites = checked_junit(files["--junit"].read_text())
    ends = [{kind: case and case["element"] for kind, case in suite["cases"].items()} for suite in suites]
    assert [each["crash"] for each in ends[:2]] == ["failure"] * 2 and ends[3] == dict.fromkeys(ends[3])
    assert (ends[1]["deadlock"], ends[2]["leak"], ends[2]["crash"]) == ("failure", "failure", None)
    assert suites[0]["cases"]["crash"]["type"] == "memory:nil-deref" and suites[0]["name"] == cores[0]["core"]
    run = checked_sarif(files["--sarif"].read_text())
    by_print = {result["partialFingerprints"]["goxraySignature/v1"]: result for result in run["results"]}
    told = by_print[cores[0]["signature_id"]]
    place = told["locations"][0]["physicalLocation"]
    assert (told["ruleId"], told["level"]) == ("memory:nil-deref", "error")
    assert place["artifactLocation"]["uri"].endswith("/src/crash.go") and place["region"]["startLine"] > 1
    assert run["invocations"][0] == {"executionSuccessful": True, "exitCode": 1, "toolExecutionNotifications": []}


def test_what_fails() -> None:
    """The same cores under other rules: 0 when nothing that is asked for is there, 2 when it cannot be told."""
    cores = planted(matrix.newest(), "amd64")
    deadlock, leaks, busy = (cores[name].core for name in ("deadlock", "leaks", "busy"))
    crash = take_core(build("crashes", matrix.newest()), ["nil"], under_gdb=False).core
    for words, status in (
        ((crash, "--fail-on", "crash"), 1), ((crash, "--fail-on", "deadlock,leak"), 0), ((crash,), 1),
        ((leaks, "--fail-on", "none"), 0),
        ((crash, "--ignore", "memory:*"), 0), ((deadlock, "--fail-on", "deadlock"), 1), ((busy,), 1),
        ((busy, "--ignore", "signal:external"), 0), ((busy, leaks, "--fail-on", "leak", "--sure", "certain"), 1),
        ((leaks, ROOT / "pyproject.toml", "--fail-on", "leak"), 2),
    ):  # fmt: skip
        ended, text, error = here(*words)
        assert ended == status and error == "", (words, text, error)
        lines = text.splitlines()
        assert lines[0].split() == ["CORE", "VERDICT", "CLASS", "SIGNATURE", "GOROUTINES", "WHAT"]
        assert lines[1].split()[:2] == [str(words[0]), VERDICTS[min(status, 1)]] or len(words) > 3
    strict, loose = (ask(leaks, "--fail-on", "leak", "--sure", sure)[1] for sure in ("certain", "possible"))
    failing = [[each["sure"] for each in found["cores"][0]["findings"] if each["failing"]] for found in (strict, loose)]
    assert set(failing[0]) == {"certain"} and set(failing[1]) > {"certain"}


def test_a_directory_grouped_by_signature(tmp_path: Path) -> None:
    """Equal crashes of two Go versions are one; programs are found beside the cores, and nothing else is looked at."""
    versions = (matrix.newest(), matrix.oldest())
    for number, (version, mode) in enumerate([(versions[0], "nil"), (versions[1], "nil"), (versions[0], "throw")]):
        os.symlink(crash_core(version, "amd64", mode).core, tmp_path / f"{number}.core")
    (tmp_path / "README").write_text("cores")
    status, found = ask(tmp_path, "--fail-on", "crash", "-j", 1)
    assert status == 1 and [os.path.basename(each["core"]) for each in found["cores"]] == ["0.core", "1.core", "2.core"]
    assert [(group["class"], group["count"]) for group in found["groups"]] == [
        ("memory:nil-deref", 2), ("concurrency:unlock-of-unlocked", 1),
    ]  # fmt: skip
    assert found["groups"][0]["first_frame"]["function"] == "main.pathLength"
    _, text, _ = here(tmp_path, "--sarif", tmp_path / "x.sarif")
    assert re.search(
        r"^COUNT +CLASS +SIGNATURE +AT +CORES$\n +2 +memory:nil-deref +\w{16} +main.pathLength ", text, re.M
    )
    assert re.search(r"^CORE +TOTAL +CHANNEL +NETWORK POLL +SYSTEM CALL +RUNTIME/GC ", text, re.M)
    results = checked_sarif((tmp_path / "x.sarif").read_text())["results"]
    assert [each["occurrenceCount"] for each in results if each["ruleId"] == "memory:nil-deref"] == [2]
    (tmp_path / "none").mkdir()
    ended, text, _ = here(tmp_path / "none", "--junit", tmp_path / "none.xml")
    assert (ended, text.splitlines()[0]) == (0, f"no core files in {tmp_path}/none")
    assert checked_junit((tmp_path / "none.xml").read_text()) == []


def test_programs_by_what_they_are(tmp_path: Path) -> None:
    """Cores that name programs which are gone: each is opened with the one of several that is its own."""
    pairs = [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64"), (matrix.newest(), "arm64")]
    for number, (version, arch) in enumerate(pairs):
        core = crash_core(version, arch, "nil")
        copy = tmp_path / f"{number}.core"
        subprocess.run(["cp", "--sparse=always", core.core, copy], check=True)
        with open(copy, "r+b") as stream:
            notes, place = stream.read(1 << 20), str(core.exe.parent.parent).encode()
            stream.seek(0)
            stream.write(notes.replace(place, place[:-1] + b"X"))
        shutil.copy(core.exe, tmp_path / f"prog{number}")
    cores = sorted(tmp_path.glob("*.core"))
    exes = [word for each in sorted(tmp_path.glob("prog*")) for word in ("--exe", each)]
    for words in ([tmp_path], [*cores, *exes], [tmp_path / "prog2", tmp_path / "prog1", tmp_path / "prog0", *cores]):
        found = ask(*words, "--fail-on", "crash")[1]
        assert [each["class"] for each in found["cores"]] == ["memory:nil-deref"] * 3
        assert [Path(each["target"]["executable"]).name for each in found["cores"]] == ["prog0", "prog1", "prog2"]
    status, found = ask(*cores[:2], "--exe", tmp_path / "prog0", "--fail-on", "crash")
    assert status == 2 and [each["verdict"] for each in found["cores"]] == ["found", "unanswered"]
    assert "prog0 is not the program that left this memory" in found["cores"][1]["error"]


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_of_a_part_of_a_core_nothing_is_called_fine(version: str, tmp_path: Path) -> None:
    cores = planted(version, "amd64")
    for name in ("nil", "leaks"):
        for percent in (1, 30, 60, 80, 95, 99):
            part = tmp_path / f"{name}{percent:02}.core"
            subprocess.run(["cp", "--sparse=always", cores[name].core, part], check=True)
            os.truncate(part, os.path.getsize(part) * percent // 100)
    words = ("--ignore", "signal:external", "--fail-on", "crash,leak")
    found = {Path(each["core"]).stem: each for each in ask(tmp_path, *words)[1]["cores"]}
    assert len(found) == 12 and "fine" not in {each["verdict"] for each in found.values()}
    for each in found.values():
        if each["verdict"] == "found" and each["core"].startswith(f"{tmp_path}/nil"):
            assert each["class"] == "memory:nil-deref" and "main.pathLength src/crash.go:" in each["summary"]


def test_a_goroutine_that_is_lost_may_be_the_one(tmp_path: Path) -> None:
    """Of a deadlock with one g of junk: not that all are asleep, and not that none has leaked."""
    junk = Junk(planted(matrix.newest(), "amd64")["deadlock"])
    junk.put(junk.goroutines[max(junk.goroutines)], b"\xff" * 400)
    part = tmp_path / "junk.core"
    part.write_bytes(junk.data)
    waits = json.loads(goxray("waits", junk.core.exe, part, "--json").stdout)
    assert waits["all_asleep"] is False and any("1 goroutines cannot be read" in each for each in waits["warnings"])
    status, found = ask(part, "--fail-on", "leak", "--sure", "certain", "--ignore", "leak:*")
    assert status == 2 and found["cores"][0]["problems"]["leak"] == "1 goroutine cannot be read"
    assert ask(part, "--fail-on", "deadlock")[0] == 1


@pytest.mark.parametrize(
    "words,error",
    [
        (["/no/such.core"], "/no/such.core: no such file"),
        ([], "nothing to look at: name core files, or a directory of them"),
        (
            ["--fail-on", "crashes", "/etc/hostname"],
            "goxray ci: argument --fail-on: crashes: there are crash, deadlock",
        ),
        (["--min-wait", "soon", "/etc/hostname"], "goxray ci: argument --min-wait: invalid duration value: 'soon'"),
        (["--exe", "/etc/hostname", "/etc/hostname"], "--exe /etc/hostname: is no ELF"),
        (["/etc/hostname", "--junit", "/no/x.xml"], "cannot write /no/x.xml: No such file or directory"),
    ],
)
def test_words_that_make_no_sense(words: List[str], error: str) -> None:
    status, _, said = here(*words)
    assert status == 2 and said.count("\n") == 1 and said.startswith(f"goxray: {error}")
    assert json.loads(here("--json", *words)[1])["error"].startswith(error)


def test_help_and_the_end_by_a_signal(tmp_path: Path) -> None:
    assert goxray("ci", "--help").stdout.startswith("Look at many cores for a CI job") and "ci" in goxray("-h").stdout
    core = take_core(build("manyg", matrix.newest()), ["10000", "quiet"])
    line = [sys.executable, "-m", "shared_core", "ci", *[str(core.core)] * 1, "-j", "1"]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and not children.read_text().split():
        time.sleep(0.01)
    (child,) = children.read_text().split()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (2, "", "goxray: interrupted\n") and not Path(f"/proc/{child}").exists()
