"""go-args as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from ..commands.args import FrameArgs, ProcessArgs
from ..commands.frameargs import FrameView, WordView
from ..errors import NOT_APPLICABLE, Absent, Maybe
from ..runtime.argregs import ArgRegister
from ..runtime.argtypes import Typed
from ..runtime.contexts import Context
from ..runtime.frames import display_name
from ..runtime.gosyntax import line
from ..runtime.shapes import Shape
from . import govalue
from .escape import escape
from .frames import args_text, frame_document
from .table import Column, table

_COLUMNS = (Column("ADDRESS"), Column("OFFSET", "right"), Column("SIZE", "right"), Column("VALUE"), Column("LIVE"))
_REGISTER, _SHAPE, _TYPE, _TARGET = Column("REGISTER"), Column("INFERRED"), Column("TYPE"), Column("POINTS TO")
_MAX_SHOWN = 200
_MAX_TEXT = 1 << 17
_GUESS = "~"
_NAMED = ("chan", "map")  # the text of these begins with their type


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
    head += "".join(f"    {escape(each)}\n" for each in (view.note, view.problem, context_text(view.context)) if each)
    if isinstance(view.words, Absent):
        return head + f"    {view.words.detail}\n"
    if not view.words:
        return head + "    no arguments\n"
    return head + "".join(f"    {line}\n" for line in _words(view.words))


def context_text(context: Optional[Context]) -> str:
    """What a closure has captured, as words."""
    if context is None:
        return ""
    return f"{'' if context.sure else _GUESS + ' '}captured: {', '.join(map(hex, context.words))}"


def _words(words: List[WordView]) -> List[str]:
    """The table, with a column for what only some frames have where this one has it."""
    columns, rows = list(_COLUMNS), [_word(each) for each in words]
    if any(each.register is not None for each in words):
        columns.append(_REGISTER)
        rows = [[*row, _register(each.register)] for row, each in zip(rows, words)]
    if any(each.typed is not None for each in words):
        columns.append(_TYPE)
        rows = [[*row, typed_text(each.typed)] for row, each in zip(rows, words)]
    shapes = untyped(words)
    if any(shape is not None for shape in shapes):
        columns.append(_SHAPE)
        rows = [[*row, shape_text(shape)] for row, shape in zip(rows, shapes)]
    if any(each.target for each in words):
        columns.append(_TARGET)
        rows = [[*row, escape(each.target)] for row, each in zip(rows, words)]
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


def untyped(words: List[WordView]) -> List[Optional[Shape]]:
    """What each word looks like, where no value of a known type tells more."""
    known = ((number, word.typed) for number, word in enumerate(words))
    typed = {number + i for number, each in known if each and each.shown for i in range(each.words)}
    return [None if number in typed else word.shape for number, word in enumerate(words)]


def typed_text(typed: Optional[Typed]) -> str:
    """ "*main.Order &main.Order{ID: 7}"; the type alone where the value is not known."""
    if typed is None:
        return ""
    name = typed.type
    if typed.shown is None:
        return escape(name)
    text = line(typed.shown, limit=_MAX_SHOWN)
    told = text.startswith((name, f"({name})", f"&{name[1:]}")) and typed.shown.kind != "Interface"
    return escape(text if told else f"{name} {text}")


def shape_text(shape: Optional[Shape]) -> str:
    if shape is None:
        return ""
    if shape.kind == "string":
        cut = "..." if shape.length is not None and len(shape.text.encode()) < shape.length else ""
        text = escape(shape.text).replace('"', '\\"')
        return f'{_GUESS} string "{text}"{cut}'
    held = f" {escape(shape.value)}" if shape.value is not None else ""
    kind = "" if shape.kind in _NAMED else f"{shape.kind} "
    return f"{_GUESS} {kind}{escape(shape.text)}{held}"


def document(body: Union[ProcessArgs, FrameArgs]) -> Dict[str, Any]:
    if isinstance(body, FrameArgs):
        return {
            "goroutine_id": body.goroutine_id,
            "first": body.first,
            "frames": [frame_of(view) for view in body.frames],
            "frames_problem": body.problem or None,
        }
    found: Dict[str, Any] = {"args": body.args}
    return found if body.env is None else {**found, "env": body.env}


def frame_of(view: FrameView) -> Dict[str, Any]:
    found = frame_document(view.frame)
    if not isinstance(view.words, Absent):
        found["args"] = [_word_document(each) for each in view.words]
    context = view.context
    if context is not None:
        words = [hex(word) for word in context.words]
        found["context"] = {"address": hex(context.address), "words": words, "inferred": not context.sure}
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
        "type": _typed_document(view.typed) if view.typed is not None else None,
        "inferred": _shape_document(view.shape) if view.shape is not None else None,
        "target": view.target or None,
    }


def _typed_document(typed: Typed) -> Dict[str, Any]:
    shown = None if typed.shown is None else govalue.document(typed.shown)
    return {"name": typed.type, "role": typed.role, "words": typed.words, "value": shown}


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
