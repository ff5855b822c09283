"""go-value and go-types against what the program said of its own values: fmt's %#v, and a tree made by reflect."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import Any, Dict, List, Optional, Tuple

import pytest

from shared_core.binary.types import Type
from shared_core.commands.runner import Outcome, run
from shared_core.errors import Absent
from shared_core.memory import Buffer, Memory
from shared_core.runtime.maps import MapReader
from shared_core.runtime.values import Values
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.e2e.answers import Document
from tests.support import gdb, lldb, matrix, oracle
from tests.support.build import PLAIN, Flags, build
from tests.support.cores import Core, take_core

DEEP = ("--depth", "40", "--limit", "10000", "--width", "0")
# What the values of type `locks` were made to be, by whoever made them.
LOCKS = {
    "locks": ["locked, 2 waiting", "read-locked by 2, waiting: 1 to write next", "counter 3, 1 waiting", "done"],
    "unlocked": ["unlocked", "unlocked", "counter 0", "not done"],
}
ATOMICS = {
    "locks": ['Count: atomic.Int64(-12)', 'Flag: atomic.Bool(true)',
              'Place: atomic.Pointer[main.leaf](&main.leaf{A: 8, B: 0, F: 0})', 'Value: atomic.Value("stored")'],
    "unlocked": ['Count: atomic.Int64(0)', 'Flag: atomic.Bool(false)',
                 'Place: atomic.Pointer[main.leaf]((*main.leaf)(nil))', 'Value: atomic.Value(interface {}(nil))'],
}  # fmt: skip
# Words of the reason why each cannot be shown.
WILD = {
    "wildstring": "a string of 1152921504606846976 bytes", "wildslice": "a length of 5 and a capacity of 2",
    "wildpointer": "cannot read", "wildmap": "is no map", "wildchan": "is no channel", "wildfunc": "no function",
    "wildany": "of no known type", "wilderror": "of no known type",
}  # fmt: skip


@cache
def planted(version: str, arch: str, flags: Flags = PLAIN) -> Tuple[Core, Session, Dict[str, Document]]:
    core = take_core(build("values", version, arch, flags))
    lines = [json.loads(line) for line in core.stdout.splitlines()]
    assert len(lines) > 100
    return core, Session(CoreTarget(str(core.exe), str(core.core))), {line["Name"]: line for line in lines}


def ask(session: Session, name: str, *words: str) -> Outcome:
    outcome = run(lambda: session, name, list(words), debug=True)
    assert "internal error" not in outcome.error, outcome.trace
    return outcome


def document(session: Session, name: str, *words: str) -> Document:
    found: Document = json.loads(ask(session, name, *words, "--json").text)
    return found


def tree(value: Document) -> Any:
    """A document's value in the form that values.go prints."""
    kind, pointer = value["kind"], value.get("pointer")
    if value.get("cut"):
        return "cycle"
    assert not value.get("problem") and not value.get("more"), value
    if kind == "struct":
        return [[field["name"], tree(field["value"])] for field in value["fields"]]
    if kind == "array":
        return elements(value)
    if kind == "interface":
        return value["value"] and [value["value"]["type"], tree(value["value"])]
    if kind == "unsafe.Pointer":
        return pointer
    if kind in ("slice", "map", "chan", "func", "ptr"):
        return None if pointer == "0x0" else _of_reference(value, kind, pointer)
    found = value["value"]
    return found if kind in ("bool", "string") else str(found)


def elements(value: Document) -> List[Any]:
    """Of an array or a slice."""
    if "bytes" in value:
        return [str(byte) for byte in bytes.fromhex(value["bytes"])]
    return [tree(each) for each in value["elements"]]


def _of_reference(value: Document, kind: str, pointer: Optional[str]) -> Any:
    if kind == "slice":
        return [value["length"], value["capacity"], elements(value)]
    if kind == "map":
        return [[tree(each["key"]), tree(each["value"])] for each in value["entries"]]
    if kind == "chan":
        return [pointer, value["length"], value["capacity"]]
    return value["function"] if kind == "func" else [pointer, tree(value["value"])]


def said(told: Any, value: Document) -> Any:
    """The program's tree with strings as documents have them; `value` tells which they are."""
    kind = value["kind"]
    if told is None or told == "cycle":
        return told
    if kind == "string":
        return bytes.fromhex(told).decode("utf-8", "backslashreplace")
    if kind == "struct":
        return [[name, said(each, field["value"])] for (name, each), field in zip(told, value["fields"])]
    if "bytes" in value:
        return told
    if kind == "array":
        return [said(*pair) for pair in zip(told, value["elements"])]
    if kind == "slice":
        return [*told[:2], [said(*pair) for pair in zip(told[2], value["elements"])]]
    if kind == "map":
        entries = zip(told, value["entries"])
        return [[said(pair[0], each["key"]), said(pair[1], each["value"])] for pair, each in entries]
    if kind in ("interface", "ptr"):
        return [told[0], said(told[1], value["value"])]
    return told


def plain(text: str) -> str:
    """Without blanks between tokens, with all numbers in decimal: %#v has unsigned ones in hex."""
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)
    for at in range(0, len(pieces), 2):
        pieces[at] = re.sub(r"0x[0-9a-f]+", lambda match: str(int(match[0], 16)), pieces[at].replace(" ", ""))
    return "".join(pieces).replace("[]byte", "[]uint8")


PLACES = [(version, arch, PLAIN) for version, arch in matrix.pairs()]
PLACES += [(version, "amd64", Flags(pie=True, cgo=True)) for version in (matrix.newest(), matrix.oldest())]


@pytest.mark.parametrize("version,arch,flags", PLACES)
def test_values_are_what_the_program_said(version: str, arch: str, flags: Flags) -> None:
    _, session, lines = planted(version, arch, *([flags] if flags != PLAIN else []))
    compared = 0
    for name, line in lines.items():
        if line.get("Tree") is None and name not in ("any", "nilerror", "nilslice", "nilmap", "nilfunc", "nilchan"):
            continue
        found = document(session, "go-value", line["Address"], line["Type"], *DEEP)
        assert found["address"] == line["Address"] and found["type"] == line["Type"]
        value = found["value"]
        assert tree(value) == said(line["Tree"], value), name
        # fmt has no type for a nil interface, and addresses where we go on; text in bytes is shown as such.
        if line["Go"] and line["Go"] != "<nil>" and "(0x" not in line["Go"] and name not in ("text", "anyu8"):
            text = ask(session, "go-value", line["Address"], line["Type"], *DEEP).text
            assert plain(text.rstrip("\n")) == plain(line["Go"]), name
            compared += 1
    assert compared > 40
    text = ask(session, "go-value", lines["text"]["Address"], "[]byte").text
    assert text == '[]uint8("some text\\n")\n'


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_what_values_mean(version: str, arch: str) -> None:
    _, session, lines = planted(version, arch)
    for name, line in lines.items():
        if "Note" not in line or not line["Type"]:
            continue
        found = document(session, "go-value", line["Address"], line["Type"])
        if name.startswith("error"):
            chain = [(re.sub(r"[\w/]*/", "", each["type"]), each["message"]) for each in found["errors"]]
            told = [tuple(text.split(": ", 1)) for text in line["Note"].split("\n")]
            # What Error() of the program's own types says is in their code.
            known = [(kind, text if kind not in ("*main.failure", "main.plain") else None) for kind, text in told]
            assert chain == known, name
        elif name in LOCKS:
            fields = [field["value"] for field in found["value"]["fields"]]
            assert [field.get("note") for field in fields[:4]] == LOCKS[name]
            text = ask(session, "go-value", line["Address"], line["Type"], "--width", "0").text
            assert text.rstrip("}\n").split(", Count")[1] == ("Count" + ", ".join(ATOMICS[name]).split("Count")[1])[5:]
        else:
            assert found["value"]["note"] == line["Note"], name


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_wild_values_have_a_reason(version: str, arch: str) -> None:
    _, session, lines = planted(version, arch)
    for name, reason in WILD.items():
        outcome = ask(session, "go-value", lines[name]["Address"], lines[name]["Type"])
        assert reason in outcome.text and "(? " in outcome.text or "? cannot" in outcome.text, (name, outcome.text)
        assert len(outcome.text) < 400 and not outcome.error
    for name in ("wildlong", "wildfar", "cyclicself"):
        outcome = ask(session, "go-value", lines[name]["Address"], lines[name]["Type"], "--limit", "3000")
        assert len(outcome.text) < 20_000_000 and re.search(r"more|cycle|cannot read", outcome.text)
    assert "in a cycle" in ask(session, "go-value", lines["cyclicself"]["Address"], "main.self").text


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_interfaces_by_their_words(version: str, arch: str) -> None:
    _, session, lines = planted(version, arch)
    for name, line in lines.items():
        if line["Type"] not in ("interface {}", "error", "io.Reader") or name.startswith("wild"):
            continue
        by_type = document(session, "go-value", line["Address"], line["Type"])
        by_words = document(session, "go-value", "--interface", line["Address"])
        assert by_words["value"] == (by_type["value"]["value"] or {**by_type["value"], "type": "interface {}"}), name
        assert by_words["interface"] == (line["Type"] if by_words["type"] else None)
    wrong = ask(session, "go-value", "--interface", lines["string"]["Address"])
    assert wrong.status == 2 and "neither a type descriptor nor an itab" in wrong.error


@pytest.mark.parametrize("version", [v for v in matrix.versions() if int(v.split(".")[1]) < 24])
def test_the_map_is_growing(version: str) -> None:
    """That the planted one is: half of it is still where it was."""
    _, session, lines = planted(version, "amd64")
    (kind,) = session.types.find("map[int32]string")
    values = Values(session.memory, session.types)
    place = session.memory.u64(int(lines["biggrowing"]["Address"], 16))
    head = MapReader(values).head(kind, place)
    assert not isinstance(head, Absent) and head.growing and head.total == 6700
    # Were the old buckets left out, most would be missing; twice as many, were the moved ones counted again.
    assert len(list(MapReader(values).entries(head))) == 6700


class Damaged(Memory):
    """Memory of which small reads give something else now and then: bits turned, words that are far off."""

    def __init__(self, whole: Memory, dice: random.Random) -> None:
        self._whole, self._dice, self.damaged = whole, dice, 0

    def locate(self, address: int, size: int) -> Tuple[Buffer, int]:
        found, at = self._whole.locate(address, size)
        if not 0 < size <= 256 or self._dice.random() > 0.1:
            return found, at
        data, place = bytearray(found[at : at + size]), self._dice.randrange(size)
        data[place] ^= 1 << self._dice.randrange(8)
        word = place & ~7
        if word + 8 <= size and self._dice.random() < 0.5:
            data[word : word + 8] = self._dice.choice(
                (bytes(8), b"\xff" * 8, self._dice.getrandbits(64).to_bytes(8, "big"))
            )
        self.damaged += 1
        return bytes(data), 0

    def read(self, address: int, size: int) -> bytes:
        data, at = self.locate(address, size)
        return bytes(data[at : at + size])


@pytest.mark.parametrize("version", [matrix.newest(), "1.23"])
@pytest.mark.parametrize("seed", range(3))
def test_values_in_damaged_memory(version: str, seed: int) -> None:
    """Whatever it holds, there is an answer or one line, and it is of a size that can be read."""
    core, _, lines = planted(version, "amd64")
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    session.types.all()
    session.memory = damaged = Damaged(session.memory, random.Random(seed))
    for line in lines.values():
        for words in (
            (line["Address"], line["Type"]),
            (line["Address"], line["Type"], "--json"),
            ("--interface", line["Address"]),
        ):
            outcome = ask(session, "go-value", *words) if line["Type"] else None
            assert outcome is None or len(outcome.text) < 1_000_000
    assert damaged.damaged > 50


def test_names_of_types() -> None:
    _, session, lines = planted(matrix.newest(), "amd64")
    place = lines["array"]["Address"]
    assert session.types.find("[2]main.leaf") == []
    assert ask(session, "go-value", place, "[2]main.leaf").text == (
        "[2]main.leaf{main.leaf{A: 1, B: 2, F: 3}, main.leaf{A: 0, B: 0, F: 0}}\n"
    )
    (leaf,) = session.types.find("main.leaf")
    assert isinstance(leaf, Type)
    assert ask(session, "go-value", place, hex(leaf.address)).text == "main.leaf{A: 1, B: 2, F: 3}\n"
    assert ask(session, "go-value", lines["anymap"]["Address"], "any").text == 'map[main.tag]main.level{"k": 1}\n'
    for words, error in (
        (["0x10", "main.leaf"], ""),
        ([place, "no.such"], "no type is called no.such"),
        ([place], "say which TYPE lies there"),
        ([place, "main.leaf", "--interface"], "say which TYPE lies there"),
        ([place, "0x1234"], "there is no type at 0x1234"),
    ):
        outcome = ask(session, "go-value", *words)
        assert outcome.status == 2 and error in outcome.error, outcome
    text = ask(session, "go-value", lines["indirect"]["Address"], lines["indirect"]["Type"], "--width", "60").text
    assert len(text.splitlines()) > 10 and max(map(len, text.splitlines()[2:])) <= 90
    assert ask(session, "go-value", lines["tree"]["Address"], "*main.tree", "--depth", "1", "--width", "0").text == (
        f"&main.tree{{Left: (*main.tree)({tree_of(lines, 0)}), Right: (*main.tree)({tree_of(lines, 1)}), Value: 1}}\n"
    )


def tree_of(lines: Dict[str, Document], side: int) -> str:
    return str(lines["tree"]["Tree"][1][side][1][0])


@pytest.mark.parametrize("version,arch", [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64")])
def test_types(version: str, arch: str) -> None:
    core, session, lines = planted(version, arch)
    found = document(session, "go-types")
    names = {each["short_name"]: each for each in found["types"]}
    assert found["total"] == len(found["types"]) > 500
    assert {line["Type"] for line in lines.values()} - {""} <= set(names)
    functions = {symbol.name for symbol in oracle.text_symbols(core.built)}
    assert {m["function"] for t in found["types"] for m in t["methods"] or () if m["function"]} <= functions
    order = names["main.order"]
    assert (order["kind"], order["package"], order["named"]) == ("struct", "main", True)
    assert [field["name"] for field in order["fields"]] == [name for name, _ in lines["order"]["Tree"]]
    (error,) = [each for each in names["*main.failure"]["methods"] if each["name"] == "Error"]
    assert error["function"] == "main.(*failure).Error" and error["results"] == ["string"] and error["params"] == []
    only = document(session, "go-types", "^main\\.", "--kind", "struct", "--limit", "3")
    assert len(only["types"]) == 3 < only["total"] and all(t["kind"] == "struct" for t in only["types"])
    text = ask(session, "go-types", "-l", r"^main\.leaf$").text.splitlines()
    assert re.fullmatch(r"main\.leaf  struct, 12 bytes, at 0x[0-9a-f]+", text[0])
    assert [line.split() for line in text[1:4]] == [["0", "A", "int32"], ["4", "B", "int32"], ["8", "F", "float32"]]
    assert text[4:] == ["    func Hold(float64, chan int) main.leaf  main.leaf.Hold"]
    assert ask(session, "go-types", "no such").text.startswith("no type is called so")


def test_the_same_in_every_adapter() -> None:
    core, session, lines = planted(matrix.newest(), "amd64")
    asked: List[str] = [
        f"go-value {lines[n]['Address']} {lines[n]['Type']}" for n in ("order", "mixed", "locks", "odd")
    ]
    asked += ["go-types -l ^main.box", f"go-value --interface {lines['anypointer']['Address']}"]
    expected = [ask(session, *line.split()).text for line in asked]
    assert gdb.on_core(core, *asked).outputs == expected
    assert lldb.on_core(core, *asked).outputs == expected
