"""layouts.resolve: which table is taken, which warnings are given, how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, Optional

import pytest

from shared_core.errors import LayoutError
from shared_core.layouts import Layout, resolve
from shared_core.layouts.document import file_name, read_document, shipped_directory


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own layout directory, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    directory = tmp_path / "goxray" / "layouts"
    directory.mkdir(parents=True)
    return directory


def fits(*versions: str) -> Callable[[Layout], Optional[str]]:
    """A check that only layouts of these Go versions pass."""
    return lambda layout: None if layout.go in versions else f"allgs does not fit {layout.go}"


def _copy(user: Path, go: str, as_go: str, arch: str = "amd64") -> None:
    document = read_document(str(Path(shipped_directory()) / file_name(go, arch)))
    (user / file_name(as_go, arch)).write_text(json.dumps({**document, "go": as_go}))


def test_exact_version_has_no_warning(user: Path) -> None:
    resolution = resolve("go1.24.11", "arm64", None, fits("1.24"))
    assert (resolution.layout.go, resolution.layout.arch) == ("1.24", "arm64")
    assert resolution.layout.source == "table go1.24 arm64"
    assert resolution.warnings == []


def test_users_table_wins_for_its_own_version(user: Path) -> None:
    _copy(user, "1.24", "1.24")
    assert resolve("go1.24.11", "amd64", None, fits("1.24")).layout.source == "user table go1.24 amd64"
    assert resolve("go1.25.5", "amd64", None, fits("1.25")).layout.source == "table go1.25 amd64"


def test_users_table_for_a_new_version(user: Path) -> None:
    _copy(user, "1.27", "1.30")
    resolution = resolve("devel go1.30-abcdef", "amd64", None, fits("1.30"))
    assert (resolution.layout.source, resolution.warnings) == ("user table go1.30 amd64", [])


def test_broken_users_table_falls_back_with_a_warning(user: Path) -> None:
    (user / "go1.24-amd64.json").write_text('{"schema": "goxray.layout/1", "structs": 3}')
    resolution = resolve("go1.24.11", "amd64", None, fits("1.24"))
    assert resolution.layout.source == "table go1.24 amd64"
    assert "go1.24-amd64.json" in resolution.warnings[0]


def test_users_table_that_does_not_fit_falls_back(user: Path) -> None:
    _copy(user, "1.24", "1.24")
    seen = []

    def check(layout: Layout) -> Optional[str]:
        seen.append(layout.source)
        return "no" if layout.source.startswith("user") else None

    assert resolve("go1.24.1", "amd64", None, check).layout.source == "table go1.24 amd64"
    assert seen == ["user table go1.24 amd64", "table go1.24 amd64"]


@pytest.mark.parametrize(
    ("version", "good", "taken"),
    [
        ("go1.28.1", ("1.27", "1.26"), "1.27"),
        ("go1.28.1", ("1.25", "1.19"), "1.25"),
        ("go1.20.5", ("1.19", "1.21"), "1.21"),
        ("go1.20.5", ("1.19",), "1.19"),
        ("go1.26.6", ("1.19",), "1.19"),
        ("devel +abcdef", ("1.27", "1.22"), "1.27"),
        ("", ("1.22",), "1.22"),
    ],
)
def test_nearest_table_that_fits_warns_with_both_versions(user: Path, version: str, good: str, taken: str) -> None:
    resolution = resolve(version, "amd64", None, fits(*good))
    assert resolution.layout.go == taken
    assert resolution.layout.source == f"table go{taken} amd64 (nearest)"
    assert version in resolution.warnings[-1] and f"go{taken}" in resolution.warnings[-1]


def test_refusal_says_what_was_tried_and_what_helps(user: Path) -> None:
    with pytest.raises(LayoutError) as caught:
        resolve("go1.28.1", "amd64", None, fits())
    text = str(caught.value)
    assert "go1.28.1" in text and "goxray layout --go PATH" in text
    assert "table go1.27 amd64 (nearest) (allgs does not fit 1.27)" in text and "\n" not in text


def test_refusal_for_an_architecture_without_tables(user: Path) -> None:
    with pytest.raises(LayoutError, match="riscv64"):
        resolve("go1.27.3", "riscv64", None, fits("1.27"))


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no program", b"\x7fELF\x02\x01\x01" + b"\xff" * 200])
def test_file_without_usable_dwarf_is_passed_over(user: Path, tmp_path: Path, content: bytes) -> None:
    program = tmp_path / "program"
    program.write_bytes(content)
    assert resolve("go1.28.1", "amd64", str(program), fits("1.27")).layout.go == "1.27"
    assert resolve("go1.28.1", "amd64", str(tmp_path / "missing"), fits("1.27")).layout.go == "1.27"
    with pytest.raises(LayoutError, match="DWARF"):
        resolve("go1.28.1", "amd64", str(program), fits())
