"""The parts of a debug file: numbers, tables, lines, frames, the cache."""

from __future__ import annotations

import os
import random
import threading
from io import BytesIO
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import pytest
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo
from elftools.dwarf.lineprogram import LineProgramEntry

from shared_core.binary.funcnames import package_of, receiver_of
from shared_core.binary.pcvalue import runs
from shared_core.errors import UserError
from shared_core.session import Session
from shared_core.symfile import cache
from shared_core.symfile.encode import SLEB, ULEB, Strings
from shared_core.symfile.lines import Sequences, sequence, unit
from shared_core.symfile.pctables import PcTable, PcTables
from tests.support import matrix
from tests.support.build import build
from tests.support.gotables import pcvalue
from tests.support.still import FileTarget

Rows = List[Tuple[int, str, int]]


@pytest.mark.parametrize("value", [0, 1, 63, 64, 127, 128, 300, 1 << 16, (1 << 32) - 1, 1 << 40])
def test_leb128(value: int) -> None:
    assert _number(ULEB[value], False) == value
    assert [_number(SLEB[each], True) for each in (value, -value)] == [value, -value]


def _number(data: bytes, signed: bool) -> int:
    assert all(byte & 0x80 for byte in data[:-1]) and data[-1] < 0x80
    value = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))
    return value - (1 << 7 * len(data)) if signed and data[-1] & 0x40 else value


def test_strings_are_held_once_and_end_with_a_zero() -> None:
    strings = Strings()
    places = [strings.add(text) for text in ("a", "", "müll", "a", "b\0c", "\udcff")]
    assert places[0] == places[3] and places[1] == 0
    data = strings.data()
    found = [data[at : data.index(b"\0", at)] for at in places]
    assert found == [b"a", b"", "müll".encode(), b"a", b"b", b"\xff"]


@pytest.mark.parametrize(("version", "arch"), [(matrix.newest(), "amd64"), (matrix.oldest(), "arm64")])
def test_tables_of_a_program_are_those_that_the_runtime_reads(version: str, arch: str) -> None:
    module = Session(FileTarget(build("crash", version, arch).exe)).modules.all[0]
    pctab, quantum = module.table.pctab, module.header.quantum
    tables, compared = PcTables(pctab), 0
    for index in range(module.table.count):
        func = module.table.func(index)
        offsets = [func.pcsp, func.pcfile, func.pcln]
        for offset in offsets:
            expected = list(runs(pctab, offset, quantum))
            found = tables.table(offset)
            assert (found is None) == (not expected)
            if found is not None:
                assert as_runs(found, quantum) == expected
                compared += len(expected)
        lines = tables.lines(func.pcln)
        assert (lines and lines.table) == tables.table(func.pcln)
    assert compared > 20_000


def as_runs(table: PcTable, quantum: int) -> List[Tuple[int, int, int]]:
    assert [b - a for a, b in zip(table.starts, table.starts[1:])] == table.steps
    assert [b - a for a, b in zip([0, *table.values], table.values)] == table.deltas
    ends = zip(table.starts, table.starts[1:])
    return [(a * quantum, b * quantum, value) for (a, b), value in zip(ends, table.values)]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\2", b"\0\2\x81", b"\0\2\1\4", b"\0\2\1\4\x80" + b"\1" * 9])
def test_broken_tables_are_none(data: bytes) -> None:
    assert PcTables(data).table(1) is None and PcTables(data).lines(1) is None


def table_of(values: List[Tuple[int, int]]) -> PcTable:
    found = PcTables(b"\0" + pcvalue(values, 1)).table(1)
    assert found is not None
    return found


def decoded(lines: List[Tuple[int, int]], files: List[Tuple[int, int]], body: int = 0) -> Rows:
    """The rows that pyelftools reads of one function at 0x1000; (pc offset, file, line), "" for the end."""
    numbers: dict[int, int] = {}
    program = sequence(0x1000, body, table_of(lines), table_of(files), numbers)
    names = [f"file{number}" for number in numbers] or ["no file"]
    rows: Rows = []
    for entry in _line_entries(unit(names, [program], 1)):
        if entry.state is not None:
            end = entry.state.end_sequence
            rows.append((entry.state.address - 0x1000, "" if end else names[entry.state.file - 1], entry.state.line))
    return rows


def _line_entries(data: bytes) -> List[LineProgramEntry]:
    section = DebugSectionDescriptor(BytesIO(data), ".debug_line", 0, len(data), 0)
    names = DWARFInfo.__init__.__code__.co_varnames[2 : DWARFInfo.__init__.__code__.co_argcount]
    sections = {name: section if name == "debug_line_sec" else None for name in names}
    info = DWARFInfo(DwarfConfig(little_endian=True, machine_arch="x64", default_address_size=8), **sections)
    return list(info._parse_line_program_at_offset(0, info.structs).get_entries())


def expanded(rows: Rows) -> List[Optional[Tuple[str, int]]]:
    """(file, line) at each pc offset; None at line 0."""
    found: List[Optional[Tuple[str, int]]] = []
    for (pc, file, line), (after, _, _) in zip(rows, rows[1:]):
        assert len(found) == pc or file == ""
        found += [(file, line) if line else None] * (after - pc)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_lines_and_files_of_handmade_tables(seed: int) -> None:
    rng = random.Random(seed)

    def table(low: int, high: int, size: int) -> List[Tuple[int, int]]:
        found: List[Tuple[int, int]] = []
        while size:
            step = min(size, rng.choice((1, 2, 17, 30, 250, 70_000)))
            value = rng.randrange(low, high) if rng.random() < 0.9 else rng.randrange(low, 100_000)
            if not found or found[-1][1] != value:
                found.append((step, value))
                size -= step
        return found

    size = rng.choice((1, 3, 100, 100_000))
    lines, files = table(-1 if seed % 3 == 0 else 1, 60, size), table(-1 if seed % 4 == 0 else 0, 5, size)
    found = expanded(decoded(lines, files))
    expected: List[Optional[Tuple[str, int]]] = []
    for line, file in zip(_each(lines), _each(files)):
        expected.append((f"file{file}", line) if file >= 0 and line > 0 else None)
    assert found == expected


def _each(table: List[Tuple[int, int]]) -> List[int]:
    return [value for step, value in table for _ in range(step)]


def test_functions_that_are_alike_have_sequences_that_are() -> None:
    numbers: dict[int, int] = {}
    made, files = Sequences(), table_of([(40, 2), (20, 5), (10, 2)])
    for first, body in ((7, 0), (100, 0), (9, 10), (8, 10), (1, 0)):
        rows = [(15, first), (25, first + 3), (30, first - 1)]
        lines = PcTables(b"\0" + pcvalue(rows, 1)).lines(1)
        assert lines is not None
        expected = sequence(0x1000, body, table_of(rows), files, numbers)
        assert made.of(0x1000, body, lines, files, numbers) == expected


def test_the_body_of_a_function_has_a_row() -> None:
    assert decoded([(40, 7)], [(40, 2)], body=10)[:2] == [(0, "file2", 7), (10, "file2", 7)]
    assert [pc for pc, _, _ in decoded([(5, 7), (35, 8)], [(40, 2)], body=10)] == [0, 5, 40]


@pytest.mark.parametrize(
    ("name", "package", "receiver"),
    [
        ("main.main", "main", None),
        ("net/http.(*Server).Serve", "net/http", ("net/http.Server", True)),
        ("example.com/a.b/c.T.M", "example.com/a.b/c", ("example.com/a.b/c.T", False)),
        ("main.(*T).M.func1", "main", None),
        ("main.(*T).M-fm", "main", None),
        ("main.F[go.shape.int]", "main", None),
        ("", "", None),
        ("memmove", "memmove", None),
    ],
)
def test_what_names_tell(name: str, package: str, receiver: Optional[Tuple[str, bool]]) -> None:
    assert (package_of(name), receiver_of(name)) == (package, receiver)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "goxray" / "symbols"


def never() -> bytes:
    raise AssertionError("made anew")


def made(path: Path) -> bytes:
    return path.read_bytes()[: -cache._END.size]


def test_a_file_is_made_once(place: Path) -> None:
    path = cache.kept("key", lambda: b"content")
    assert path.parent == place and made(path) == b"content"
    assert cache.kept("key", never) == path
    assert os.listdir(place) == ["key.debug"]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: b"", lambda data: data[:20]]
)
def test_a_damaged_file_is_made_anew(place: Path, damage: Callable[[bytes], bytes]) -> None:
    path = cache.kept("key", lambda: b"content of some length")
    path.write_bytes(damage(path.read_bytes()))
    assert made(cache.kept("key", lambda: b"new")) == b"new"
    assert made(cache.kept("key", never)) == b"new"


def test_two_writers_at_once(place: Path) -> None:
    barrier = threading.Barrier(4)

    def make() -> bytes:
        barrier.wait()
        return b"the same" * 100_000

    threads = [threading.Thread(target=cache.kept, args=("key", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made(cache.kept("key", never)) == b"the same" * 100_000
    assert os.listdir(place) == ["key.debug"]


def test_what_was_not_used_for_longest_goes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 350)
    for age, key in enumerate(("old", "used", "newer")):
        path = cache.kept(key, lambda: b"x" * 68)
        os.utime(path, (1000 + age, 1000 + age))
    cache.kept("used", never)
    left = place / ".new-of a writer that was killed"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    cache.kept("newest", lambda: b"x" * 68)
    assert sorted(os.listdir(place)) == ["newer.debug", "newest.debug", "used.debug"]
    cache.kept("larger than all", lambda: b"x" * 1000)
    assert os.listdir(place) == ["larger than all.debug"]


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "goxray").write_text("a file where the directory should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"^cannot write .*key\.debug: [A-Z][a-z ]+$"):
        cache.kept("key", lambda: b"content")
