"""layouts: version strings, documents, names, constants out of sources."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import pytest

from shared_core.errors import FormatError, LayoutError
from shared_core.layouts.constants import Constants
from shared_core.layouts.document import (
    MAX_BYTES,
    available,
    read_document,
    same_but_provenance,
    shipped_directory,
    to_text,
    user_directory,
    write_document,
)
from shared_core.layouts.enums import REQUIRED_ENUMS, REQUIRED_SCALARS, enum_entries, scalar_entries
from shared_core.layouts.gosource import GoConstants
from shared_core.layouts.model import Layout, layout_from_document
from shared_core.layouts.names import snake
from shared_core.layouts.version import parse_minor
from shared_core.layouts.wanted import GLOBALS, REQUIRED_STRUCTS, SCARCE_GLOBALS

DOCUMENT: Dict[str, Any] = {
    "schema": "goxray.layout/1",
    "go": "1.27",
    "arch": "amd64",
    "constants": {"trace_args_limit": 10},
    "structs": {"runtime.stack": {"size": 16, "fields": {"lo": [0, 8], "hi": [8, 8]}}},
    "enums": {"unsafe_points": {-1: "safe", -2: "unsafe"}},
    "globals": {"runtime.allm": [["runtime.mexit", 3, 0]]},
}


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("go1.27.3", (1, 27)),
        ("go1.22rc1", (1, 22)),
        ("go1.24-20250101-RC00 cl/123456", (1, 24)),
        ("devel go1.28-abcdef0 Tue Nov 3 10:00:00 2026 +0000", (1, 28)),
        ("go1.21.0 X:boringcrypto", (1, 21)),
        ("go1.19", (1, 19)),
        ("devel +abcdef0 Tue Nov 3", None),
        ("mygo1.19", None),
        ("", None),
    ],
)
def test_version_strings(text: str, minor: Optional[Tuple[int, int]]) -> None:
    assert parse_minor(text) == minor


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ArgsPointerMaps", "args_pointer_maps"),
        ("InlTree", "inl_tree"),
        ("RestartAtEntry", "restart_at_entry"),
        ("ForceGCIdle", "force_gc_idle"),
        ("idle", "idle"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected


def test_document_survives_writing_and_reading(tmp_path: Path) -> None:
    path = write_document(DOCUMENT, str(tmp_path / "new"))
    assert Path(path).name == "go1.27-amd64.json"
    assert [p.name for p in Path(path).parent.iterdir()] == ["go1.27-amd64.json"]
    layout = layout_from_document(read_document(path), "test")
    assert layout.struct("runtime.stack").offset("hi") == 8
    assert layout.enums["unsafe_points"] == {-1: "safe", -2: "unsafe"}
    assert layout.numbers("unsafe_points")["unsafe"] == -2
    assert layout.constants == {"trace_args_limit": 10}
    assert layout.globals["runtime.allm"][0].access == 3


def test_document_text_is_one_row_per_entry_and_the_same_each_time() -> None:
    turned = {key: DOCUMENT[key] for key in reversed(list(DOCUMENT))}
    assert to_text(turned) == to_text(DOCUMENT)
    assert '"runtime.stack": {"size":16,"fields":{"lo":[0,8],"hi":[8,8]}}' in to_text(DOCUMENT).splitlines()
    assert '"unsafe_points": {"-2":"unsafe","-1":"safe"}' in to_text(DOCUMENT).splitlines()


def test_documents_compare_without_provenance() -> None:
    other = {**DOCUMENT, "provenance": {"date": "2026-01-01"}, "enums": {}}
    assert same_but_provenance(DOCUMENT, {**DOCUMENT, "provenance": {"date": "x"}}) == ()
    assert same_but_provenance(DOCUMENT, other) == ("enums",)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1"}', "\xff", "[" * 100000])
def test_file_that_is_no_layout(tmp_path: Path, text: str) -> None:
    path = tmp_path / "go1.27-amd64.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError):
        read_document(str(path))


def test_oversized_file_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "go1.27-amd64.json"
    path.write_text(json.dumps({**DOCUMENT, "padding": "x" * MAX_BYTES}))
    with pytest.raises(FormatError):
        read_document(str(path))


def test_available_goes_by_name(tmp_path: Path) -> None:
    for name in ("go1.27-amd64.json", "go1.9-amd64.json", "go1.27-arm64.json", "notes.txt", "go1.27-amd64.json.bak"):
        (tmp_path / name).touch()
    assert sorted(available(str(tmp_path), "amd64")) == [(1, 9), (1, 27)]
    assert available(str(tmp_path / "missing"), "amd64") == {}


def test_user_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert user_directory() == "/data/goxray/layouts"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/u")
    assert user_directory() == "/home/u/.local/share/goxray/layouts"


SOURCE = """package runtime

const (
	// a comment with const ( in it
	_Gidle = iota // 0
	_Grunnable
	_, _Gskipped = iota, iota + 1

	_Gdead = 6
	_Gscan = 0x1000
	_Gscandead = _Gscan + _Gdead
)

const single = 1<<4 | 3
const typed uint8 = uint8(single) &^ 1
const a, b = 1, 2
const big = 0xffff800000000000*goarch.IsAmd64
const text = "no integer"
const loop = loop + 1

func f() {
	const (
		limit = 10
		depth = 5
		size  = (depth*3+2)*limit + 1
	)
	const _endSeq = 0xff
}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "internal" / "goarch").mkdir(parents=True)
    (tmp_path / "runtime" / "proc.go").write_text(SOURCE)
    (tmp_path / "runtime" / "os_windows.go").write_text("package runtime\n\nconst foreign = 1\n")
    (tmp_path / "internal" / "goarch" / "z_amd64.go").write_text("package goarch\n\nconst IsAmd64 = 1\n")
    (tmp_path / "internal" / "goarch" / "z_arm64.go").write_text("package goarch\n\nconst IsAmd64 = 0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_Gidle", 0),
        ("_Grunnable", 1),
        ("_Gskipped", 3),
        ("_Gdead", 6),
        ("_Gscandead", 0x1006),
        ("single", 19),
        ("typed", 18),
        ("b", 2),
        ("big", 0xFFFF800000000000),
        ("text", None),
        ("loop", None),
        ("foreign", None),
        ("limit", None),
    ],
)
def test_constants_of_a_package(sources: Path, name: str, value: Optional[int]) -> None:
    assert GoConstants(str(sources), "amd64").get("runtime", name) == value


def test_constants_follow_the_architecture(sources: Path) -> None:
    assert GoConstants(str(sources), "arm64").get("runtime", "big") == 0


def test_local_constants_go_by_file(sources: Path) -> None:
    constants = GoConstants(str(sources), "amd64")
    assert constants.get("runtime/proc.go", "size") == 171
    assert constants.get("runtime/proc.go", "_endSeq") == 255
    assert constants.get("runtime/none.go", "size") is None


def test_dwarf_wins_over_sources(sources: Path) -> None:
    constants = Constants({"runtime._Gdead": 7}, GoConstants(str(sources), "amd64"))
    assert (constants.get("runtime", "_Gdead"), constants.get("runtime", "_Grunnable")) == (7, 1)
    assert {"_Gdead", "_Gidle"} <= set(constants.names("runtime"))


def test_enums_from_either_spelling() -> None:
    old = Constants({"runtime.funcID_goexit": 7, "runtime._PCDATA_Restart1": -3, "runtime._PCDATA_UnsafePoint": 0})
    new = Constants({"internal/abi.FuncID_goexit": 8, "internal/abi.FuncIDWrapper": 23, "internal/abi.MINFUNC": 16})
    assert enum_entries(old, lambda name: [])["func_ids"] == {7: "goexit"}
    assert enum_entries(old, lambda name: [])["unsafe_points"] == {-3: "restart1"}
    assert enum_entries(old, lambda name: [])["pcdata"] == {0: "unsafe_point"}
    assert enum_entries(new, lambda name: [])["func_ids"] == {8: "goexit", 23: "wrapper"}
    assert scalar_entries(new) == {"min_func_size": 16}


def test_statuses_in_the_runtimes_words() -> None:
    constants = Constants({"runtime._Gdead": 6, "runtime._Gdeadextra": 11, "runtime._Gscan": 4096})
    texts = {"runtime.gStatusStrings": [""] * 6 + ["dead"] + [""] * 4 + ["waiting for cgo callback"]}
    enums = enum_entries(constants, lambda name: texts.get(name, []))
    assert enums["statuses"] == {6: "dead", 11: "waiting for cgo callback"}
    assert enums["status_names"] == {6: "dead", 11: "deadextra"}
    assert enums["g_flags"] == {4096: "scan"}


SHIPPED = [(v, a) for a in ("amd64", "arm64") for v in sorted(available(shipped_directory(), a))]


def test_every_promised_table_is_shipped() -> None:
    minors = [(1, 19), *((1, minor) for minor in range(21, 28))]
    assert [(v, a) for a in ("amd64", "arm64") for v in minors] == SHIPPED


@pytest.mark.parametrize(("minor", "arch"), SHIPPED)
def test_shipped_table_is_complete(minor: Tuple[int, int], arch: str) -> None:
    layout = _shipped(minor, arch)
    assert (layout.go, layout.arch) == (f"{minor[0]}.{minor[1]}", arch)
    assert set(REQUIRED_STRUCTS) <= set(layout.structs)
    assert set(REQUIRED_ENUMS) <= set(layout.enums)
    assert set(REQUIRED_SCALARS) <= set(layout.constants)
    assert {*GLOBALS, *SCARCE_GLOBALS} <= set(layout.globals)
    g = layout.struct("runtime.g")
    unpacker = g.unpacker(["stack.lo", "stack.hi", "m", "sched.sp", "sched.pc", "atomicstatus", "goid", "waitsince"])
    assert len(unpacker.unpack(b"\0" * unpacker.size)) == 8
    assert all(f.offset + f.size <= s.size for s in layout.structs.values() for f in s.fields.values())


@pytest.mark.parametrize(("minor", "arch"), SHIPPED)
def test_shipped_file_is_as_the_generator_writes_it(minor: Tuple[int, int], arch: str) -> None:
    path = available(shipped_directory(), arch)[minor]
    assert Path(path).read_text() == to_text(read_document(path))


def test_unpacker_refuses_fields_out_of_order() -> None:
    stack = layout_from_document(json.loads(to_text(DOCUMENT)), "test").struct("runtime.stack")
    assert stack.unpacker(["lo", "hi"]).unpack(struct.pack("<QQ", 1, 2)) == (1, 2)
    with pytest.raises(LayoutError):
        stack.unpacker(["hi", "lo"])


def _shipped(minor: Tuple[int, int], arch: str) -> Layout:
    return layout_from_document(read_document(available(shipped_directory(), arch)[minor]), "test")
