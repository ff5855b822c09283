"""Escaping: nothing that a terminal would obey gets through."""

from __future__ import annotations

import pytest

from shared_core.render.escape import escape, width


@pytest.mark.parametrize(
    "text,shown",
    [
        ("plain main.(*T).run[go.shape.int]·f", "plain main.(*T).run[go.shape.int]·f"),
        ("a\nb\tc\r\0", "a\\nb\\tc\\r\\0"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x7f\x80\x9b", "\\x7f\\x80\\x9b"),
        ("user\u202etxt.exe\u2066", "user\\u202etxt.exe\\u2066"),
        ("a\u200bb\ufeff\u2028", "a\\u200bb\\ufeff\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("grüße 世界", "grüße 世界"),
        (b"ok \xff\xfe \xc3\xbc", "ok \\xff\\xfe ü"),
        (b"", ""),
    ],
)
def test_escape(text: object, shown: str) -> None:
    assert escape(text) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["x" * 50, b"x" * 50, b"x" * 1_000_000])
def test_length_is_bounded(text: object) -> None:
    assert escape(text, limit=10) == "x" * 10 + "..."  # type: ignore[arg-type]


def test_every_character_is_shown_in_print() -> None:
    for code in range(0x110000):
        assert escape(chr(code)).isprintable()


def test_width() -> None:
    assert [width(text) for text in ("", "abc", "世界", "é", "e\u0301")] == [0, 3, 4, 1, 1]
