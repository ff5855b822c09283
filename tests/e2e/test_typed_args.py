"""Types of arguments: of methods by their names and descriptors, of others by what they point to.

What the arguments are is in values.go, for whoever reads it; where they are, the program has printed.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Dict, List, Tuple

import pytest

from tests.e2e.answers import Document
from tests.e2e.test_values import document, planted, tree
from tests.support import matrix

PARK = [
    ("*main.order", "receiver"), ("uint16", "parameter"), ("string", "parameter"), ("error", "parameter"),
    ("map[string]int", "parameter"), ("[]main.leaf", "parameter"),
]  # fmt: skip
HOLD = [("main.leaf", "receiver"), ("float64", "parameter"), ("chan int", "parameter")]


@cache
def parked(version: str, arch: str) -> Tuple[Dict[str, Document], Dict[str, Document]]:
    """(function -> its frame in go-goroutine's document, what the program has printed)."""
    _, session, lines = planted(version, arch)
    frames: Dict[str, Document] = {}
    for goroutine in document(session, "go-goroutines", "-t")["goroutines"]:
        if any(frame["function"].startswith("main.hold") or ".Park" in frame["function"] or ".Hold" in frame["function"]
               for frame in goroutine["frames"]):  # fmt: skip
            found = document(session, "go-goroutine", str(goroutine["id"]))["goroutine"]
            asked = document(session, "go-args", "--frame", "--goroutine", str(goroutine["id"]))
            assert [frame["args"] for frame in found["frames"]] == [frame["args"] for frame in asked["frames"]]
            frames.update((frame["function"], frame) for frame in found["frames"])
    return frames, lines


def typed(frame: Document) -> List[Document]:
    return [word["type"] for word in frame["args"] if word["type"]]


def known(frame: Document) -> Dict[str, Any]:
    """type -> value of those arguments that are alive where it stands."""
    return {each["name"]: each["value"] for each in typed(frame) if each["value"]}


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_arguments_of_methods(version: str, arch: str) -> None:
    frames, lines = parked(version, arch)
    park, hold = frames["main.(*order).Park"], frames["main.leaf.Hold"]
    assert [(each["name"], each["role"]) for each in typed(park)] == PARK
    assert [(each["name"], each["role"]) for each in typed(hold)] == HOLD
    values = known(park)
    assert len(values) >= 4
    fields = {each["name"]: each["value"] for each in values["*main.order"]["value"]["fields"]}
    assert (fields["ID"]["value"], fields["Name"]["value"]) == (9, "parked")
    expected = {
        "uint16": "500", "string": "a text", "map[string]int": [["x", "1"], ["y", "2"]],
        "[]main.leaf": [1, 1, [[["A", "7"], ["B", "8"], ["F", "9"]]]],
    }  # fmt: skip
    for name, told in expected.items():
        assert name not in values or tree(values[name]) == told
    if "error" in values:
        assert tree(values["error"])[0] == "*main.failure" and tree(values["error"])[1][1][0] == ["Code", "3"]
    never, values = lines["never"]["Address"], known(hold)
    expected = {"main.leaf": [["A", "4"], ["B", "-5"], ["F", "6.5"]], "float64": "2.5", "chan int": [never, 0, 0]}
    assert values and all(tree(value) == expected[name] for name, value in values.items())


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_words_that_point_to_something_known(version: str, arch: str) -> None:
    frames, lines = parked(version, arch)
    frame = frames["main.hold"]
    shapes = [word["inferred"] for word in frame["args"] if word["inferred"]]
    assert typed(frame) == [] and frame.get("context") is None
    texts = {shape["kind"]: shape["text"] for shape in shapes}
    assert texts["chan"] == "chan int, 0 of 0" and texts["func"].startswith("main.park.func")
    # The allocator records types since Go 1.22.
    minor = int(version.split(".")[1])
    assert texts.get("map") == ("map[int32]string, 6700 entries" if minor >= 22 else None)
    held = {shape["text"]: shape["value"] for shape in shapes if shape["kind"] == "interface"}
    expected = {
        "any holding main.leaf": "main.leaf{A: 6, B: 0, F: 0}",
        "error holding main.plain": 'main.plain{text: "plain error"}',
    }
    # A word of an interface may be dead.
    assert held.items() <= expected.items() and (held or minor < 22)
    context = frames[texts["func"]]["context"]
    captured = lines["captured"]
    assert {captured["Address"], hex(int(captured["Note"])), lines["never"]["Address"]} == set(context["words"])
    assert context["inferred"]
