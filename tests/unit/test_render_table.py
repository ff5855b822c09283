"""Tables: what they look like, and that both ways to make one agree."""

from __future__ import annotations

import random

import pytest

from shared_core.render import table as tables
from shared_core.render.table import Column, table

COLUMNS = [Column("id", "right"), Column("status"), Column("wait"), Column("n", "right")]


def test_looks() -> None:
    rows = [["1", "running", "", "5"], ["100", "waiting", "chan receive", ""]]
    assert table(COLUMNS, rows) == (
        " id  status   wait          n\n"
        "  1  running                5\n"
        "100  waiting  chan receive\n"
    )  # fmt: skip


def test_no_rows_are_just_titles() -> None:
    assert table(COLUMNS, []) == "id  status  wait  n\n"


def test_numbers_are_left_as_they_are() -> None:
    assert table([Column("x")], [["007"], ["1e5"], ["0x10"], ["1.50"]]) == "x\n007\n1e5\n0x10\n1.50\n"


def test_wide_characters_take_two_columns() -> None:
    assert table([Column("a"), Column("b")], [["世界", "x"], ["abcd", "y"], ["é", "z"]]) == (
        "a     b\n世界  x\nabcd  y\né     z\n"
    )


def test_a_cell_cannot_break_the_table() -> None:
    assert table([Column("a"), Column("b")], [["x\ny\x1b[31m", "z"]]) == "a             b\nx\\ny\\x1b[31m  z\n"


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_agree(seed: int) -> None:
    chance = random.Random(seed)
    words = ["", "a", "longer text", "-", "0x1f", "12", "3.0", "nan", " padded ", "true", "1,000", "a|b", "%s"]
    columns = [
        Column(chance.choice(words) or "t", chance.choice(["left", "right"])) for _ in range(chance.randint(1, 5))
    ]
    rows = [[chance.choice(words) for _ in columns] for _ in range(chance.randint(1, 30))]
    lines = tables._clean([[column.title for column in columns], *rows])
    assert tables.by_width(columns, lines) == tables.by_tabulate(columns, lines)


def test_many_rows_look_as_few_do() -> None:
    rows = [[str(i), "waiting", "select", "1"] for i in range(tables._MANY + 5)]
    lines = [[column.title for column in COLUMNS], *rows]
    assert table(COLUMNS, rows) == tables.by_tabulate(COLUMNS, lines)
