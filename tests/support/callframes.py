"""What readelf says of the call frame information in a file: of each function, the rule at each pc."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

_COMMON = re.compile(r"([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ CIE ")
_HEAD = re.compile(r"[0-9a-f]+ [0-9a-f]+ [0-9a-f]+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)$")
_ROW = re.compile(r"([0-9a-f]{16}) (.*)$")
UNKNOWN = "u"

Rule = Tuple[str, str]


class CallFrame(NamedTuple):
    """The rules of a function that ends at `end`: (first pc, (CFA, the return address's place)) where they change."""

    end: int
    rows: List[Tuple[int, Rule]]


def call_frames(path: Path) -> Dict[int, CallFrame]:
    """Those in .debug_frame by the address of the function."""
    line = ["readelf", "--debug-dump=frames-interp", str(path)]
    text = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    found: Dict[int, CallFrame] = {}
    columns: List[str] = []
    rows: List[Tuple[int, Rule]] = []
    common: Dict[int, List[Tuple[int, Rule]]] = {}  # what each CIE says, by its offset
    for each in text.splitlines():
        if head := _HEAD.match(each):
            cie, start, end = (int(digits, 16) for digits in head.groups())
            rows = [(start, common[cie][-1][1])]
            found[start] = CallFrame(end, rows)
        elif head := _COMMON.match(each):
            rows = common[int(head[1], 16)] = []
        elif each.startswith("   LOC"):
            columns = each.split()[1:]
        elif row := _ROW.match(each):
            rule = dict(zip(columns, row[2].split()))
            _add(rows, int(row[1], 16), (rule["CFA"], rule.get("ra", UNKNOWN)))
    return {start: CallFrame(end, _once(each, end)) for start, (end, each) in found.items()}


def _add(rows: List[Tuple[int, Rule]], pc: int, rule: Rule) -> None:
    if rows and rows[-1][0] == pc:
        rows.pop()
    rows.append((pc, rule))


def _once(rows: List[Tuple[int, Rule]], end: int) -> List[Tuple[int, Rule]]:
    """Without the rows that change nothing, and one at the end, where no instruction is."""
    kept: List[Tuple[int, Rule]] = []
    for pc, rule in rows:
        if pc < end and (not kept or kept[-1][1] != rule):
            kept.append((pc, rule))
    return kept
