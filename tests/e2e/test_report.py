"""go-report: pages that need nothing else, say what the commands say, and stay whole whatever the target says."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from shared_core.commands import find, report
from shared_core.commands.base import Result
from shared_core.commands.runner import Outcome, run
from shared_core.errors import ReadError
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, crash_core, take_core
from tests.support.gdb import live, on_core
from tests.support.standalone import goxray
from tests.support.traceback import by_id, parse_traceback

HOSTILE = "</script><img src=x onerror=alert(1)>`|\u202e&\"'"
SECTIONS = ["crash", "goroutines", "flame", "waits", "leaks", "all", "sched", "memory", "build"]
COMMANDS = {
    "info": "go-info", "args": "go-args", "crash": "go-crash", "stats": "go-goroutines --stats",
    "goroutines": "go-goroutines --group stack --limit 200", "leaks": "go-leaks --limit 200",
    "waits": "go-waits --sort wait --limit 200", "sched": "go-sched", "memory": "go-memory",
}  # fmt: skip
PAIRS = [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64"), (matrix.newest(), "arm64")]
EMPTY = ("meta", "input", "br")


class Page(HTMLParser):
    """A page as a browser sees it: elements must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: List[str] = []
        self.attributes: List[Tuple[str, str, str]] = []  # (element, name, value)
        self.raw: Dict[str, str] = {}  # what "style", "script" and "data" hold
        self.texts: Dict[str, List[str]] = {}  # by the section's id
        self._section = ""
        self._name = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        named = dict(attrs)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "section":
            self._section = named["id"] or ""
        self._name = "data" if named.get("type") == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "section":
            self._section = ""
        self._name = ""

    def handle_data(self, data: str) -> None:
        if self._name in ("style", "script", "data"):
            self.raw[self._name] = self.raw.get(self._name, "") + data
        else:
            self.texts.setdefault(self._section, []).append(data)

    def text(self, section: str) -> str:
        return " ".join("".join(self.texts.get(section, [])).split())

    def data(self) -> Dict[str, Any]:
        found: Dict[str, Any] = json.loads(self.raw["data"])
        return found


def session(core: Core) -> Session:
    return Session(CoreTarget(str(core.exe), str(core.core)))


def answer(core: Core, words: str) -> Outcome:
    name, _, rest = words.partition(" ")
    outcome = run(lambda: session(core), name, rest, debug=True)
    assert outcome.error == "", outcome.trace
    return outcome


def hostile_core(version: str, arch: str) -> Core:
    return take_core(build("healthy", version, arch), [HOSTILE], abort_at="ready")


@cache
def page_of(version: str, arch: str) -> Tuple[Core, str]:
    core = hostile_core(version, arch)
    return core, answer(core, "go-report --format html").text


def roll_ids(page: Page) -> Dict[int, List[str]]:
    """Goroutine id -> [state, blocked, thread, place, creator, labels] in the list of all."""
    roll = page.data()["roll"]
    found = {}
    for *texts, _, steps in roll["kinds"]:
        goid = 0
        for step in steps.split(" "):
            goid += int(step, 36)
            found[goid] = [roll["texts"][each] for each in texts]
    return found


@pytest.mark.parametrize("version,arch", PAIRS)
def test_a_page_stands_alone(version: str, arch: str) -> None:
    _, text = page_of(version, arch)
    page = Page(text)
    assert [value for tag, name, value in page.attributes if (tag, name) == ("section", "id")][:9] == SECTIONS
    assert all(page.text(each) for each in SECTIONS) and "Not available" not in text
    names = {name for _, name, _ in page.attributes}
    assert not names & {"src", "style", "srcset", "action", "ping"} and not any(name.startswith("on") for name in names)
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    code = page.raw["style"] + re.sub(r"^\s*//.*$|\s//\s.*$", "", page.raw["script"], flags=re.M)
    assert not re.search(r"url\((?!#)|@import|https?:|//", code)
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval|innerHTML|insertAdjacentHTML)\b", page.raw["script"])


@pytest.mark.parametrize("version,arch", PAIRS[:1])
def test_its_policy_lets_nothing_in(version: str, arch: str) -> None:
    page = Page(page_of(version, arch)[1])
    (policy,) = [value for tag, name, value in page.attributes if name == "content" and "default-src" in value]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for name in ("style", "script"):
        digest = b64encode(sha256(page.raw[name].encode()).digest()).decode()
        assert rules.pop(f"{name}-src") == f"'sha256-{digest}'"
    assert rules == {}


@pytest.mark.parametrize("version,arch", PAIRS)
def test_what_the_target_says_stays_text(version: str, arch: str) -> None:
    core, text = page_of(version, arch)
    page = Page(text)
    assert "img" not in {tag for tag, _, _ in page.attributes} and "<img" not in text
    assert HOSTILE.replace("\u202e", "\\u202e") in page.text("build") and "\u202e" not in text
    markdown = answer(core, "go-report --format md").text
    assert "\u202e" not in markdown
    fences = re.split(r"^(`{3,})$", markdown, flags=re.M)
    outside = "".join(fences[0::4])
    assert fences[1::2] == [mark for mark in fences[1::4] for _ in range(2)]
    assert not re.search(r"(?<!\\)[<>]", outside)


@pytest.mark.parametrize("version,arch", PAIRS)
def test_every_goroutine_is_there(version: str, arch: str) -> None:
    """By the traceback that the program printed, and its own count."""
    core, text = page_of(version, arch)
    page, printed = Page(text), by_id(parse_traceback(core.stderr))
    rows = roll_ids(page)
    assert len(rows) == int(core.facts()["goroutines"][0]) and set(rows) <= set(printed)
    for goid, (state, _, _, place, *_) in rows.items():
        if "chan" in printed[goid].status:
            assert state.startswith(printed[goid].status)
            files = [f"{frame.file.split('/')[-1]}:{frame.line}" for frame in printed[goid].frames]
            assert place.split("/")[-1] in files
    flame = page.data()["flame"]
    cells = [flame["cells"][at : at + 7] for at in range(0, len(flame["cells"]), 7)]
    assert flame["total"] == len(rows) == sum(count for depth, _, _, _, count, _, _ in cells if depth == 1)
    functions = {frame.function for goroutine in printed.values() for frame in goroutine.frames}
    wrapper = re.compile(r"\.(gowrap|func)\d+$")  # which no profile shows
    own = {name for name in functions if name.startswith("main.") and not wrapper.search(name)}
    assert len(own) > 15 and own <= set(flame["names"])


@pytest.mark.parametrize("version,arch", PAIRS)
def test_json_is_what_the_commands_say(version: str, arch: str) -> None:
    core = hostile_core(version, arch)
    outcome = answer(core, "go-report --json")
    found = json.loads(outcome.text)
    assert found["schema"] == "goxray.go-report/1"
    statuses = []
    for name, words in COMMANDS.items():
        alone = answer(core, f"{words} --json")
        expected, part = json.loads(alone.text), found[name]
        statuses.append(alone.status)
        assert part.pop("status") == alone.status and set(part.pop("warnings")) <= set(expected.pop("warnings"))
        assert expected.pop("target") == found["target"]
        assert part == expected, name
    assert outcome.status == max(statuses)


def test_a_crash_is_told_first(tmp_path: Path) -> None:
    core, path = crash_core(matrix.newest(), mode="nil"), tmp_path / "crash.html"
    printed = re.findall(r"^(panic: .*)$", core.stderr, re.M)[0]
    commands = [f"go-report -o {path}", f"go-report --format md -o {tmp_path / 'crash.md'}", "go-report"]
    answers = on_core(core, *commands)
    assert [each.strip() for each in answers.outputs[:2]] == ["", ""]
    assert "-o report.html" in answers.stderr
    page = Page(path.read_text())
    assert printed in page.text("crash") and "memory:nil-deref" in page.text("")
    assert printed in (tmp_path / "crash.md").read_text().replace("\\", "")
    assert page.data() == Page(answer(core, "go-report --format html").text).data()


def test_a_process(tmp_path: Path) -> None:
    path = tmp_path / "live.htm"
    with live(build("waits", matrix.newest())) as program:
        done = goxray("report", "--pid", program.pid or 0, "--stop", "-o", path)
    page = Page(path.read_text())
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 1)
    assert "live process" in page.text("") and "Cycle:" in page.text("waits") and "<svg" in path.read_text()
    assert {"main.locksTwo", "main.receives"} <= set(page.data()["flame"]["names"])


def test_what_cannot_be_had_costs_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    core = hostile_core(matrix.newest(), "amd64")

    def lost(*_: object) -> Result:
        raise ReadError(0xDEAD, 8)

    def wrong(*_: object) -> Result:
        raise ValueError("<b>odd")

    failures = {"go-memory": lost, "go-waits": wrong, "go-crash": lost}
    monkeypatch.setattr(
        report, "find", lambda name: replace(find(name), run=failures[name]) if name in failures else find(name)
    )
    monkeypatch.setattr(report, "roll", lost)
    outcome = answer(core, "go-report --format html")
    page = Page(outcome.text)
    assert outcome.status == 2 and "Not available: cannot read 8 bytes at 0xdead" in page.text("memory")
    assert "internal error: ValueError: <b>odd" in page.text("waits") and "cannot read" in page.text("all")
    found = json.loads(answer(core, "go-report --json").text)
    assert found["memory"] is None and any(each.startswith("memory: ") for each in found["warnings"])
    assert "Not available" in answer(core, "go-report --format md").text


@pytest.mark.parametrize("words,error", [("", "where to?"), ("--json --format md", "--json and --format md")])
def test_one_line_for_what_makes_no_sense(words: str, error: str) -> None:
    core = hostile_core(matrix.newest(), "amd64")
    outcome = run(lambda: session(core), "go-report", words)
    assert outcome.status == 2 and error in outcome.error


def test_a_program_at_rest_is_refused() -> None:
    done = goxray("report", build("healthy", matrix.newest()).exe, "-o", "report.html")
    assert done.returncode == 2 and done.stderr.startswith("goxray: there is no process")
