"""go-args as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Union

from ..commands.args import FrameArgs, ProcessArgs
from ..errors import Absent, Maybe
from ..runtime.args import ArgWord
from ..runtime.frames import SourceFrame, display_name
from .escape import escape
from .frames import args_text, frame_document
from .table import Column, table

_COLUMNS = (Column("ADDRESS"), Column("OFFSET", "right"), Column("SIZE", "right"), Column("VALUE"), Column("LIVE"))
_MAX_TEXT = 1 << 17


def text(body: Union[ProcessArgs, FrameArgs]) -> str:
    if isinstance(body, FrameArgs):
        parts = [_frame(body.first + number, frame) for number, frame in enumerate(body.stack.frames)]
        problem = f"stopped: {escape(body.stack.problem)}\n" if body.stack.problem else ""
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


def _frame(number: int, frame: SourceFrame) -> str:
    head = f"#{number}  {escape(display_name(frame.function))}({args_text(frame)})  {escape(frame.file)}:{frame.line}\n"
    if frame.args is None or isinstance(frame.args, Absent):
        return head + f"    {frame.args.detail if frame.args is not None else ''}\n"
    words = [item for item in frame.args if isinstance(item, ArgWord)]
    if not words:
        return head + "    no arguments\n"
    return head + "".join(f"    {line}\n" for line in table(_COLUMNS, [_word(w) for w in words]).splitlines())


def _word(word: ArgWord) -> List[str]:
    value = f"? ({word.value.kind})" if isinstance(word.value, Absent) else f"{word.value:#x}"
    return [f"{word.address:#x}", str(word.offset), str(word.size), value, "yes" if word.live else "no"]


def document(body: Union[ProcessArgs, FrameArgs]) -> Dict[str, Any]:
    if isinstance(body, FrameArgs):
        return {
            "goroutine_id": body.goroutine_id,
            "first": body.first,
            "frames": [frame_document(frame) for frame in body.stack.frames],
            "frames_problem": body.stack.problem or None,
        }
    found: Dict[str, Any] = {"args": body.args}
    return found if body.env is None else {**found, "env": body.env}
