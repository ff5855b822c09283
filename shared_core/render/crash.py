"""go-crash as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ..commands.crash import CrashCard
from ..errors import Absent, Maybe
from ..runtime.downfall import Signal
from ..runtime.frames import display_name
from ..runtime.goerrors import Link
from ..runtime.instructions import Instruction
from ..runtime.panics import Panic
from .escape import escape
from .frames import args_text, frame_document
from .quarters import quarters_document, quarters_line, quarters_text
from .stacks import piece_document, piece_lines

_PER_LINE = 4


def text(body: CrashCard) -> str:
    crash = body.crash
    if not crash.kind:
        return f"no crash: {crash.labels[0].why}\n{quarters_line(body.quarters)}"
    found = rows(body)
    size = max(len(name) for name, _ in found)
    lines = [f"{name:{size}}  {value}".rstrip() + "\n" for name, value in found]
    return "".join([*lines, *_stacks(body)])


def rows(body: CrashCard) -> List[Tuple[str, str]]:
    """(what, value), escaped; what belongs to the row before has no name, or begins with blanks."""
    crash = body.crash
    rows = [("class", crash.label)]
    rows += [("because", escape(crash.labels[0].why))]
    rows += [("label", f"{label.name}: {escape(label.why)}") for label in crash.labels[1:]]
    rows += [("signature", escape(crash.signature.text)), ("", crash.signature.id)]
    for line in crash.before.splitlines():
        rows.append(("printed", escape(line)))
    if crash.words is not None:
        rows.append(("fatal error", _maybe(crash.words)))
    for panic in reversed(crash.panics):
        rows += _panic_rows(panic)
    if crash.cut:
        rows.append(("panics", f"? ({escape(crash.cut)})"))
    if crash.signal is not None:
        rows.append(("signal", _signal(crash.signal)))
        rows.append(("instruction", _instruction(body.instruction)))
        rows += _registers(crash.signal)
    if crash.others:
        rows.append(("others", f"{crash.others} more thread{'s' if crash.others > 1 else ''} report a crash"))
    rows.append(("goroutines", f"{sum(body.quarters.values())}: {quarters_text(body.quarters)}"))
    return rows


def _panic_rows(panic: Panic) -> List[Tuple[str, str]]:
    if panic.goexit:
        return [("goexit", "runtime.Goexit was called before")]
    said = _maybe(panic.message)
    said += " [recovered, repanicked]" if panic.recovered and panic.repanicked else " [recovered]" * panic.recovered
    rows = [("panic", said), ("  type", _maybe(panic.type)), ("  value", _maybe(panic.value))]
    return rows + [("  wraps", f"{escape(link.type)}: {_maybe(link.message)}") for link in panic.chain[1:]]


def _maybe(value: Maybe[str]) -> str:
    return f"? ({escape(value.detail or value.kind)})" if isinstance(value, Absent) else escape(value)


def _signal(signal: Signal) -> str:
    parts = [signal.name]
    parts += [f"code {signal.code}"] if signal.code is not None else []
    parts += [f"address {signal.address:#x}"] if signal.address is not None else []
    parts += [f"sent by process {signal.sender}"] if signal.sender is not None else []
    return ", ".join([*parts, f"pc {signal.pc:#x}"])


def _instruction(found: Optional[Maybe[Instruction]]) -> str:
    if found is None or isinstance(found, Absent):
        return f"? ({escape(found.detail)})" if found is not None else "?"
    where = f" in {escape(display_name(found.function))}+{found.offset:#x}" if found.function else ""
    touched = f", which touches {found.operand:#x}" if found.operand is not None else ""
    return f"{found.text}{where}{touched}"


def _registers(signal: Signal) -> List[Tuple[str, str]]:
    if not signal.registers:
        return [("registers", "? (the runtime has gone on since the fault, and does not keep them)")]
    cells = [f"{name} {value:#x}" for name, value in signal.registers]
    lines = ["  ".join(f"{cell:24}" for cell in cells[at : at + _PER_LINE]) for at in range(0, len(cells), _PER_LINE)]
    return [("registers" if number == 0 else "", line.rstrip()) for number, line in enumerate(lines)]


def _stacks(body: CrashCard) -> List[str]:
    crash = body.crash
    lines = ["\n", "thread" + (f" {crash.thread}" if crash.thread is not None else "") + "\n"] if body.inside else []
    lines += piece_lines(body.inside)
    if crash.goroutine is None or body.stack is None:
        return lines
    note = f" ({crash.stands_for})" if crash.stands_for else ""
    lines += ["\n", f"goroutine {crash.goroutine.id} [{escape(crash.goroutine.state)}]{note}\n"]
    for number, frame in enumerate(body.stack.frames):
        lines.append(f"  {number:2}  {frame.pc:#x} in {escape(display_name(frame.function))}({args_text(frame)})\n")
        lines.append(f"        at {escape(frame.file)}:{frame.line}\n")
    if body.more:
        lines.append("      more frames follow (--depth N)\n")
    if body.stack.problem:
        lines.append(f"      stopped: {escape(body.stack.problem)}\n")
    return lines


def document(body: CrashCard) -> Dict[str, Any]:
    crash, goroutine = body.crash, body.crash.goroutine
    return {
        "class": crash.label,
        "labels": [label.name for label in crash.labels],
        "evidence": {label.name: label.why for label in crash.labels},
        "signature": crash.signature.text,
        "signature_id": crash.signature.id,
        "kind": crash.kind or None,
        "signal": _signal_document(body),
        "panics": [_panic_document(panic) for panic in reversed(crash.panics)],
        "panics_problem": crash.cut or None,
        "fatal": crash.words,
        "printed_before": crash.before or None,
        "goroutine": None
        if goroutine is None
        else {"id": goroutine.id, "status": goroutine.status, "state": goroutine.state},
        "goroutine_reason": crash.stands_for or None,
        "thread": crash.thread,
        "other_crashes": crash.others,
        "quarters": quarters_document(body.quarters),
        "frames": None if body.stack is None else [frame_document(frame) for frame in body.stack.frames],
        "frames_cut": body.more,
        "frames_problem": (body.stack.problem or None) if body.stack is not None else None,
        "thread_stacks": [piece_document(piece) for piece in body.inside],
    }


def _signal_document(body: CrashCard) -> Optional[Dict[str, Any]]:
    signal, found = body.crash.signal, body.instruction
    if signal is None:
        return None
    return {
        "name": signal.name,
        "number": signal.number,
        "code": signal.code,
        "address": _hex(signal.address),
        "sender": signal.sender,
        "pc": hex(signal.pc),
        "instruction": found.text if isinstance(found, Instruction) else found,
        "function": (found.function or None) if isinstance(found, Instruction) else None,
        "touches": _hex(found.operand) if isinstance(found, Instruction) else None,
        "registers": {name: hex(value) for name, value in signal.registers} or None,
    }


def _panic_document(panic: Panic) -> Dict[str, Any]:
    return {
        "type": None if panic.goexit else panic.type,
        "message": None if panic.goexit else panic.message,
        "recovered": panic.recovered,
        "repanicked": panic.repanicked,
        "goexit": panic.goexit,
        "value": None if panic.goexit else panic.value,
        "wraps": [_link(link) for link in panic.chain[1:]],
    }


def _link(link: Link) -> Dict[str, Any]:
    return {"type": link.full, "message": link.message}


def _hex(value: Optional[int]) -> Optional[str]:
    return None if value is None else hex(value)
