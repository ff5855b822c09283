"""go-args as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from ..commands.args import FrameArgs, ProcessArgs
from ..commands.frameargs import FrameView, WordView
from ..errors import NOT_APPLICABLE, Absent, Maybe
from ..runtime.argregs import ArgRegister
from ..runtime.frames import display_name
from ..runtime.shapes import Shape
from .escape import escape
from .frames import args_text, frame_document
from .table import Column, table

_COLUMNS = (Column("ADDRESS"), Column("OFFSET", "right"), Column("SIZE", "right"), Column("VALUE"), Column("LIVE"))
_REGISTER, _SHAPE = Column("REGISTER"), Column("INFERRED")
_MAX_TEXT = 1 << 17
_GUESS = "~"


def text(body: Union[ProcessArgs, FrameArgs]) -> str:
    if isinstance(body, FrameArgs):
        parts = [_frame(body.first + number, view) for number, view in enumerate(body.frames)]
        problem = f"stopped: {escape(body.problem)}\n" if body.problem else ""
        return f"goroutine {body.goroutine_id}\n" + "".join(parts) + problem
    lines = [f"os.Args[{number}] = {_quoted(arg)}\n" for number, arg in enumerate(body.args)]
    if not body.args:
        lines.append("os.Args is empty: the process was started without arguments, or had not come so far\n")
    if body.env is not None:
        lines += [_plain(entry) + "\n" for entry in body.env]
    return "".join(lines)


def _quoted(arg: Maybe[bytes]) -> str:
    if isinstance(arg, Absent):
        return f"? ({arg})"
    return '"' + escape(arg, _MAX_TEXT).replace('"', '\\"') + '"'


def _plain(entry: Maybe[bytes]) -> str:
    return f"? ({entry})" if isinstance(entry, Absent) else escape(entry, _MAX_TEXT)


def _frame(number: int, view: FrameView) -> str:
    frame = view.frame
    head = f"#{number}  {escape(display_name(frame.function))}({args_text(frame)})  {escape(frame.file)}:{frame.line}\n"
    head += "".join(f"    {escape(line)}\n" for line in (view.note, view.problem) if line)
    if isinstance(view.words, Absent):
        return head + f"    {view.words.detail}\n"
    if not view.words:
        return head + "    no arguments\n"
    return head + "".join(f"    {line}\n" for line in _words(view.words))


def _words(words: List[WordView]) -> List[str]:
    """The table, with a column for what only some frames have where this one has it."""
    columns, rows = list(_COLUMNS), [_word(each) for each in words]
    if any(each.register is not None for each in words):
        columns.append(_REGISTER)
        rows = [[*row, _register(each.register)] for row, each in zip(rows, words)]
    if any(each.shape is not None for each in words):
        columns.append(_SHAPE)
        rows = [[*row, _shape(each.shape)] for row, each in zip(rows, words)]
    return table(columns, rows).splitlines()


def _word(view: WordView) -> List[str]:
    word = view.word
    value = f"? ({word.value.kind})" if isinstance(word.value, Absent) else f"{word.value:#x}"
    return [f"{word.address:#x}", str(word.offset), str(word.size), value, "yes" if word.live else "no"]


def _register(register: Optional[Maybe[ArgRegister]]) -> str:
    if register is None or (isinstance(register, Absent) and register.kind == NOT_APPLICABLE):
        return "-"
    if isinstance(register, Absent):
        return "?"
    value = f"? ({register.value.kind})" if isinstance(register.value, Absent) else f"{register.value:#x}"
    return f"{_GUESS if register.guess else ''}{register.name}={value}"


def _shape(shape: Optional[Shape]) -> str:
    if shape is None:
        return ""
    if shape.kind == "string":
        cut = "..." if shape.length is not None and len(shape.text.encode()) < shape.length else ""
        text = escape(shape.text).replace('"', '\\"')
        return f'{_GUESS} string "{text}"{cut}'
    return f"{_GUESS} {shape.kind} {escape(shape.text)}"


def document(body: Union[ProcessArgs, FrameArgs]) -> Dict[str, Any]:
    if isinstance(body, FrameArgs):
        return {
            "goroutine_id": body.goroutine_id,
            "first": body.first,
            "frames": [_frame_document(view) for view in body.frames],
            "frames_problem": body.problem or None,
        }
    found: Dict[str, Any] = {"args": body.args}
    return found if body.env is None else {**found, "env": body.env}


def _frame_document(view: FrameView) -> Dict[str, Any]:
    found = frame_document(view.frame)
    if not isinstance(view.words, Absent):
        found["args"] = [_word_document(each) for each in view.words]
    return {**found, "note": view.note or view.problem or None}


def _word_document(view: WordView) -> Dict[str, Any]:
    word, register = view.word, view.register
    return {
        "slot": hex(word.address),
        "offset": word.offset,
        "size": word.size,
        "value": word.value if isinstance(word.value, Absent) else hex(word.value),
        "live": word.live,
        "register": _register_document(register) if isinstance(register, ArgRegister) else _quiet(register),
        "inferred": _shape_document(view.shape) if view.shape is not None else None,
    }


def _quiet(absent: Optional[Absent]) -> Optional[Absent]:
    """What never was in a register needs no warning."""
    return None if absent is None or absent.kind == NOT_APPLICABLE else absent


def _register_document(register: ArgRegister) -> Dict[str, Any]:
    value = register.value
    return {
        "name": register.name,
        "value": value if isinstance(value, Absent) else hex(value),
        "inferred": register.guess or None,
    }


def _shape_document(shape: Shape) -> Dict[str, Any]:
    """Keys that a kind has not are left out."""
    return {key: value for key, value in shape._asdict().items() if value is not None}
