"""JSON documents: their shape, absent values and their reasons."""

from __future__ import annotations

import json
import sys
import types
from typing import Any, Dict, Iterator

import pytest

from shared_core.commands.base import Result
from shared_core.errors import NOT_RECORDED, UNREADABLE, Absent
from shared_core.render import jsonout, render


def document(body: Dict[str, object], warnings: Any = ()) -> Dict[str, Any]:
    text = jsonout.dumps("go-test", {"arch": "amd64"}, list(warnings), body)
    assert text.endswith("}\n") and text.isascii()
    found: Dict[str, Any] = json.loads(text)
    return found


def test_begins_with_schema_target_warnings() -> None:
    found = document({"rows": [1, 2]}, ["careful"])
    assert list(found) == ["schema", "target", "warnings", "rows"]
    assert found == {"schema": "goxray.go-test/1", "target": {"arch": "amd64"}, "warnings": ["careful"], "rows": [1, 2]}


def test_absent_is_null_and_says_why() -> None:
    found = document({"g": {"id": Absent(UNREADABLE, "cannot read 8 bytes at 0x10")}})
    assert found["g"] == {"id": None}
    assert found["warnings"] == ["g.id: unreadable: cannot read 8 bytes at 0x10"]


def test_the_same_reason_is_given_once() -> None:
    rows = [{"wait": Absent(NOT_RECORDED, f"row {i}"), "deep": {"x": Absent(NOT_RECORDED)}} for i in range(3)]
    assert document({"rows": rows})["warnings"] == [
        "rows[].wait: not recorded (3 times, first: row 0)",
        "rows[].deep.x: not recorded (3 times)",
    ]


def test_reasons_are_bounded() -> None:
    found = document({"labels": {f"key{i}": Absent(UNREADABLE) for i in range(1000)}})
    assert len(found["warnings"]) == 101
    assert found["warnings"][-1] == "900 more reasons for absent values"


def test_addresses() -> None:
    assert jsonout.address(0x47FE80) == "0x47fe80"
    assert jsonout.address(Absent(UNREADABLE)) == Absent(UNREADABLE)
    assert jsonout.address(None) is None


def test_odd_strings_survive() -> None:
    odd = 'quote " back \\ \x1b \ud800 \u202e'
    assert document({"text": odd, "bytes": b"a\xff"})["text"] == odd
    assert document({"bytes": b"a\xff"})["bytes"] == "a\\xff"


def test_error_document() -> None:
    found = json.loads(jsonout.error_document("go-info", "no program"))
    assert found == {"schema": "goxray.go-info/1", "target": {}, "warnings": [], "error": "no program"}


@pytest.fixture
def renderer() -> Iterator[None]:
    module: Any = types.ModuleType("shared_core.render.made_up")
    module.text = lambda body: f"{body}\n"
    module.document = lambda body: {"body": body}
    sys.modules[module.__name__] = module
    yield
    del sys.modules[module.__name__]


@pytest.mark.usefixtures("renderer")
def test_render_picks_the_module_by_name() -> None:
    result = Result("go-made-up", "hello", ["bad\x1b", "two"])
    assert render(result, "text", {}) == "hello\nwarning: bad\\x1b\nwarning: two\n"
    assert json.loads(render(result, "json", {"kind": "core"})) == {
        "schema": "goxray.go-made-up/1", "target": {"kind": "core"}, "warnings": ["bad\x1b", "two"], "body": "hello",
    }  # fmt: skip
