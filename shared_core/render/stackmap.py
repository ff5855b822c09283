"""go-stackmap as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ..binary.functabs import StackMap
from ..commands.stackmap import Bitmaps, FrameSlots, StackMaps
from ..errors import Absent
from ..runtime.frames import display_name
from ..runtime.stackmaps import LiveObject, Slot
from .escape import escape
from .table import Column, table

_COLUMNS = (Column("KIND"), Column("OFFSET", "right"), Column("ADDRESS"), Column("VALUE"), Column("POINTS TO"))
_WORD = 8


def text(body: StackMaps) -> str:
    if body.bitmaps is not None:
        return _bitmaps(body.bitmaps)
    parts = [f"goroutine {body.goroutine_id}\n", *map(_frame, body.frames)]
    if body.problem:
        parts.append(f"stopped: {escape(body.problem)}\n")
    return "".join(parts)


def _frame(slots: FrameSlots) -> str:
    frame = slots.frame
    head = f"#{slots.number}  {escape(display_name(frame.function))}  {escape(frame.file)}:{frame.line}"
    head += f"  pc={frame.physical.pc:#x} sp={frame.physical.sp:#x} fp={frame.physical.fp:#x}\n"
    rows = [_row("arg", "argp", slot, slots) for slot in slots.args if slot.pointer]
    rows += [_row("local", "varp", slot, slots) for slot in slots.locals if slot.pointer]
    rows += [_object(item) for item in slots.objects]
    lines = [f"    {escape(note)}\n" for note in slots.notes]
    if rows:
        lines += [f"    {line}\n" for line in table(_COLUMNS, rows).splitlines()]
    elif not slots.notes:
        lines.append(f"    no live pointers among {len(slots.args)} argument and {len(slots.locals)} local words\n")
    return head + "".join(lines)


def _row(kind: str, base: str, slot: Slot, slots: FrameSlots) -> List[str]:
    place = [kind, f"{base}{slot.offset:+#x}", f"{slot.address:#x}"]
    if isinstance(slot.value, Absent):
        return [*place, f"? ({slot.value.kind})", ""]
    return [*place, f"{slot.value:#x}", slots.targets.get(slot.value, "")]


def _object(item: LiveObject) -> List[str]:
    return [
        "object",
        "",
        f"{item.address:#x}",
        f"{item.size} bytes",
        f"pointers in the first {item.pointer_bytes} bytes",
    ]


def _bitmaps(body: Bitmaps) -> str:
    func, maps = body.func, body.maps
    lines = [f"{escape(func.name)}  {func.entry:#x}, {func.size} bytes\n"]
    if body.args is None and body.locals is None:
        return lines[0] + f"no stack maps: {'it is assembly' if maps.assembly else 'its frame holds no pointers'}\n"
    if maps.assembly:
        lines.append("assembly: its maps were written by hand\n")
    if body.pc is not None:
        lines.append(_at_pc(body))
    only = max(maps.index, 0) if body.pc is not None else None
    for name, found in (("arguments", body.args), ("locals", body.locals)):
        lines += _map_lines(name, found, only)
    lines += [f"pc {start:#x} to {end:#x}: {_index(value)}\n" for start, end, value in body.runs]
    return "".join(lines)


def _at_pc(body: Bitmaps) -> str:
    unsafe = f", an unsafe point ({body.maps.unsafe})" if body.maps.unsafe else ""
    return f"pc {body.pc:#x}: {_index(body.maps.index)}{unsafe}\n"


def _index(index: int) -> str:
    return f"bitmap {index}" if index >= 0 else "no stack map index (-1): the runtime would take bitmap 0, the entry's"


def _map_lines(name: str, found: Optional[StackMap], only: Optional[int]) -> List[str]:
    if found is None or not found.bits:
        return [f"{name}: no words that can hold pointers\n"]
    chosen = range(len(found.bitmaps)) if only is None else [only] if only < len(found.bitmaps) else []
    head = f"{name}: {found.bits} words, {len(found.bitmaps)} bitmaps (1: a live pointer; lowest address first)\n"
    return [head, *(f"  {number:3}  {_bits(found.bitmaps[number])}\n" for number in chosen)]


def _bits(bitmap: Sequence[bool]) -> str:
    return "".join("1" if bit else "0" for bit in bitmap)


def document(body: StackMaps) -> Dict[str, Any]:
    if body.bitmaps is None:
        return {
            "goroutine_id": body.goroutine_id,
            "frames": [_frame_document(slots) for slots in body.frames],
            "frames_problem": body.problem or None,
        }
    found = body.bitmaps
    return {
        "function": found.func.name,
        "entry": hex(found.func.entry),
        "pc": None if found.pc is None else hex(found.pc),
        "index": found.maps.index,
        "unsafe_point": found.maps.unsafe or None,
        "assembly": found.maps.assembly,
        "args": _map_document(found.args),
        "locals": _map_document(found.locals),
        "runs": [{"start": hex(start), "end": hex(end), "index": index} for start, end, index in found.runs],
    }


def _frame_document(slots: FrameSlots) -> Dict[str, Any]:
    physical = slots.frame.physical
    return {
        "number": slots.number,
        "function": slots.frame.function,
        "file": slots.frame.file,
        "line": slots.frame.line,
        "pc": hex(physical.pc),
        "sp": hex(physical.sp),
        "fp": hex(physical.fp),
        "args": [_slot_document(slot, slots) for slot in slots.args],
        "locals": [_slot_document(slot, slots) for slot in slots.locals],
        "objects": [
            {"address": hex(o.address), "size": o.size, "pointer_bytes": o.pointer_bytes} for o in slots.objects
        ],
        "reason": "; ".join(slots.notes) or None,
    }


def _slot_document(slot: Slot, slots: FrameSlots) -> Dict[str, Any]:
    value = slot.value
    target = slots.targets.get(value) if slot.pointer and isinstance(value, int) else None
    return {
        "address": hex(slot.address),
        "value": hex(value) if isinstance(value, int) else value,
        "pointer": slot.pointer,
        "target": target,
    }


def _map_document(found: Optional[StackMap]) -> Any:
    return None if found is None else {"words": found.bits, "bitmaps": [_bits(bitmap) for bitmap in found.bitmaps]}
