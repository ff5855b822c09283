"""goxray ci without cores: which files are cores, workers that go wrong, XML and SARIF of the worst texts, classes."""

from __future__ import annotations

import gzip
import os
import re
import signal
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from shared_core.ci.model import Answer as CiAnswer
from shared_core.ci.model import CoreAnswer, Finding, Wanted
from shared_core.ci.places import find
from shared_core.ci.rules import RULES
from shared_core.ci.workers import look_at_all
from shared_core.errors import UserError
from shared_core.render import ci as rendered
from shared_core.render.junit import attribute, content, junit
from shared_core.render.sarif import sarif
from shared_core.runtime.frames import Place
from tests.support.paths import ROOT
from tests.support.reports import checked_junit, checked_sarif

WANTED = Wanted(("crash", "deadlock", "leak"), (), 0, 100, "likely", timeout=1.5)
# Every character of the first planes' ends, all controls, what XML and terminals take for theirs, lone surrogates.
WORST = "".join(map(chr, [*range(0x120), *range(0x2000, 0x2070), *range(0xD7F0, 0xE010), *range(0xFDD0, 0x10010)]))
WORST += "]]>&lt;<!--\"'\U000e0001\U0010ffff"


def elf(kind: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + bytes([kind, 0]) + bytes(46)


def finding(text: str, rule: str = "panic:user", failing: bool = True, line: int = 7) -> Finding:
    place = Place(f"main.{text}", f"/src/{text}.go", line, 0x1000)
    return Finding(("crash",), rule, f"{rule} {text}", "0123456789abcdef", text, "certain", place, 1, [text], failing)


def test_which_files_are_cores(tmp_path: Path) -> None:
    files = {
        "prog": elf(2), "pie": elf(3), "a.core": elf(4), "core.77": b"", "core.go": b"package core", "x.bin": elf(4),
        "core.zst": b"\x28\xb5\x2f\xfd", "notes": b"text", "core": gzip.compress(b"x"), "lib.o": elf(1),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "deep.core").write_bytes(elf(4))
    os.mkfifo(tmp_path / "pipe.core")
    places = find([str(tmp_path)], [])
    assert [os.path.basename(each) for each in places.cores] == ["a.core", "core", "core.77", "core.zst", "x.bin"]
    assert [os.path.basename(each) for each in places.exes] == ["pie", "prog"] and places.notes == []
    assert find([str(tmp_path / "notes"), str(tmp_path / "prog")], []).cores == [str(tmp_path / "notes")]
    (tmp_path / "empty").mkdir()
    assert find([str(tmp_path / "empty")], []).notes == [f"no core files in {tmp_path}/empty"]
    for words, exes in ((["/no/such"], []), ([], [str(tmp_path / "a.core")]), ([], ["/no/such"])):
        with pytest.raises(UserError):
            find(words, exes)


def worker(core: str, wanted: Wanted) -> CoreAnswer:
    if core == "hangs":
        time.sleep(60)
    if core == "dies":
        os.kill(os.getpid(), signal.SIGUSR1)
    if core == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if core == "grows":
        try:
            return CoreAnswer(core, card=str(len(bytearray(wanted.memory))))
        except MemoryError:
            return CoreAnswer(core, error="memory")
    return CoreAnswer(core, crash="none", goroutines=1, card="x" * (1 << 22))


def test_workers_that_go_wrong_cost_their_own_line() -> None:
    cores = ["one", "hangs", "dies", "two", "is killed", "grows", "three"]
    found = look_at_all(cores, WANTED, 2, worker)
    assert [each.core for each in found] == cores
    errors = {each.core: each.error for each in found if each.error}
    assert errors == {
        "hangs": "it took longer than 1.5 s (--timeout)", "dies": "its worker ended with SIGUSR1",
        "is killed": "its worker ended with SIGKILL (is the machine out of memory?)", "grows": "memory",
    }  # fmt: skip
    assert all(len(each.card) == 1 << 22 for each in found if not each.error)
    answer = CiAnswer(WANTED, found)
    assert answer.status == 2 and [each.status(WANTED.fail_on) for each in found] == [0, 2, 2, 0, 2, 2, 0]
    assert [suite["errors"] for suite in checked_junit(junit(answer))] == ["0", "3", "3", "0", "3", "3", "0"]
    assert not checked_sarif(sarif(answer))["invocations"][0]["executionSuccessful"]


def test_what_counts() -> None:
    """A core that fails fails, whatever could not be told of it; one that may hide something is worse than that."""
    fails = CoreAnswer("a", [finding("x")], {"leak": "why"})
    hides = CoreAnswer("b", [finding("x", failing=False)], {"leak": "why"})
    fine = CoreAnswer("c", [finding("x", failing=False)], {"leak": "why"})
    assert (fails.status(("leak",)), hides.status(("leak",)), fine.status(("crash",))) == (1, 2, 0)
    assert CiAnswer(WANTED, []).status == 0
    outside, leak = finding("x", "signal:external"), finding("y", "leak:nil")
    assert CoreAnswer("d", [outside, leak]).main is leak and CoreAnswer("e", [outside]).main is outside


def test_the_worst_texts() -> None:
    core = CoreAnswer(f"/cores/{WORST}", [finding(WORST), finding("other", "leak:nil")], {"leak": WORST}, card=WORST)
    core.crash, core.warnings = "panic:user", [WORST]
    answer = CiAnswer(WANTED, [core, CoreAnswer(WORST, error=WORST)], [WORST])
    suites = checked_junit(junit(answer))
    assert suites[0]["cases"]["crash"]["element"] == "failure" and "\\x1b" in suites[0]["cases"]["crash"]["message"]
    assert suites[0]["cases"]["deadlock"] is None and suites[0]["cases"]["leak"]["element"] == "error"
    run = checked_sarif(sarif(answer, "/src"))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "SRCROOT"
    for text in (rendered.text(answer), rendered.document_text(answer)):
        assert all(char.isprintable() or char == "\n" for char in text)
    assert rendered.text(answer).count("\n") < 20


@pytest.mark.parametrize("text", ["", "]]>", "a\tb\r\nc", "\x00\x0b\ufffe\ud800", "<&>\"'", "ü 漢"])
def test_xml_of_one_text(text: str) -> None:
    from xml.etree import ElementTree

    made = ElementTree.fromstring(f'<a b="{attribute(text)}">{content([text])}</a>')
    legal = re.sub(r"[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
    if legal == text and "\t" not in text:
        assert (made.attrib["b"], made.text) == (text, f"{text}\n")


def classes() -> List[Tuple[str, str]]:
    """(file, class) of every class that the analyses name."""
    found = []
    for name in ("crash", "crashclass"):
        text = (ROOT / "shared_core" / "analysis" / f"{name}.py").read_text()
        groups = "memory|arithmetic|type|channel|concurrency|resource|runtime|network|timeout|panic|cgo|signal"
        found += [(name, each) for each in re.findall(f'"((?:{groups}):[a-z-]+)"', text)]
    text = (ROOT / "shared_core" / "analysis" / "leaks.py").read_text()
    return found + [("leaks", f"leak:{each}") for each in re.findall(r'Evidence\(\s*"(\w+)"', text)]


def test_every_class_has_words() -> None:
    only_labels = {"panic:recovered", "panic:nested", "panic:goexit"}
    assert len(classes()) > 50
    assert {name for _, name in classes()} - only_labels - RULES.keys() == set()
