"""Where a function's code has sp relative to its value at entry, by following the code itself.

pcsp tables know pushes, pops and constant steps only. A function that loads sp from anywhere else (gogo, mcall,
systemstack, calls into the vdso) has the flag SPWRITE, and its table is right on the paths before that load alone.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from .model import Arch, Line
from .refs import disassemble

MAX_CODE = 1 << 14  # functions of assembly that write sp are a few hundred bytes
_MAX_VISITS = 1 << 14

Depths = Dict[str, int]  # register -> its distance from sp at entry, for sp and copies of it; RETURN while lr has it
RETURN = "return address"


class _Words(NamedTuple):
    """How one architecture's assembly text says what matters here."""

    sp: str
    moves: re.Pattern[str]  # copy with an optional step: (to, from, step)
    jumps: re.Pattern[str]  # conditional or not, with a target
    ends: Tuple[str, ...]
    always: Tuple[str, ...]
    reads: Tuple[str, ...]  # mnemonics that write none of their operands


_AMD64 = _Words(
    "rsp",
    re.compile(r"(\w+), (?:(\w+)|\[(\w+) ([+-]) (\w+)\])$"),
    re.compile(r"0x[0-9a-f]+$"),
    ("ret", "ud2", "int3", "hlt"),
    ("jmp",),
    ("cmp", "test", "push", "call", "nop"),
)
_ARM64 = _Words(
    "sp",
    re.compile(r"(\w+), (\w+)(?:, #(\w+)(?:, lsl #(\d+))?)?$"),
    re.compile(r"#(0x[0-9a-f]+)$"),
    ("ret", "br", "brk", "udf"),
    ("b",),
    ("cmp", "cmn", "tst", "bl", "blr", "nop"),
)
_KEPT = {  # registers that a C function leaves as they are; nothing else is held over a call
    "amd64": frozenset(("rsp", "rbx", "rbp", "r12", "r13", "r14", "r15")),
    "arm64": frozenset(("sp", *(f"x{i}" for i in range(19, 30)))),
}
_WRITEBACK = re.compile(r"\[sp(?:, #(-?\w+)\](!)|\], #(-?\w+))$")


def depth_at(arch: Arch, code: bytes, entry: int, pc: int) -> Optional[int]:
    """By how many bytes sp is below its value at entry when `pc` is about to run; None where the paths do not tell."""
    return depths(arch, code, entry).get(pc)


def depths(arch: Arch, code: bytes, entry: int) -> Dict[int, Optional[int]]:
    """`depth_at` for each instruction that can be come to from the entry; empty where there are too many paths.

    None too where it is 0 bytes and the return address has left lr: a call of its own has overwritten it.
    """
    lines = {line[0]: line for line in disassemble(arch, code[:MAX_CODE], entry)}
    known: Dict[int, Depths] = {}
    todo: List[Tuple[int, Depths]] = [(entry, {_words(arch).sp: 0, RETURN: 0})]
    for _ in range(_MAX_VISITS):
        if not todo:
            return {pc: _depth(arch, found) for pc, found in known.items()}
        at, found = todo.pop()
        line = lines.get(at)
        if line is None or (at == entry and known):
            continue  # a prologue goes back to its start from morestack, which leaves lr as it was
        before = known.get(at)
        merged = found if before is None else {name: d for name, d in before.items() if found.get(name) == d}
        if before is None or merged != before:
            known[at] = merged
            after = _after(arch, line, merged)
            todo += [(place, after) for place in _next(arch, line)]
    return {}


def _depth(arch: Arch, known: Depths) -> Optional[int]:
    sp = known.get(_words(arch).sp)
    return None if sp is None or (sp == 0 and arch.uses_lr and RETURN not in known) else -sp


def _words(arch: Arch) -> _Words:
    return _ARM64 if arch.uses_lr else _AMD64


def _next(arch: Arch, line: Line) -> Iterator[int]:
    """Where control may go from `line` within the function; a call comes back."""
    pc, size, mnemonic, operands = line
    words, verb = _words(arch), mnemonic.split()[-1]
    if verb in words.ends:
        return
    jumps = verb[0] == "j" if not arch.uses_lr else verb in ("b", "cbz", "cbnz", "tbz", "tbnz") or verb[:2] == "b."
    target = words.jumps.search(operands) if jumps else None
    if target is not None:
        yield int(target.group().lstrip("#"), 16)
    if verb not in words.always:
        yield pc + size


def _after(arch: Arch, line: Line, depths: Depths) -> Depths:
    """The depths behind `line`; a register that gets any other value is dropped."""
    _, _, mnemonic, operands = line
    words, verb = _words(arch), mnemonic.split()[-1]
    if verb in ("call", "bl", "blr"):
        return {name: depth for name, depth in depths.items() if name in _KEPT[arch.name]}
    step = _pushed(verb) if not arch.uses_lr else _writeback(operands)
    found = dict(depths)
    if step and words.sp in found:
        found[words.sp] += step
    moved = _moved(arch, verb, operands, depths)
    if moved is not None:
        found[moved[0]] = moved[1]
    elif verb not in words.reads:
        for name in _written(arch, verb, operands):
            found.pop(name, None)
            if name == arch.lr:
                found.pop(RETURN, None)
        if verb in ("ldr", "ldp") and "x30" in operands and "[sp" in operands:
            found[RETURN] = 0
    return found


def _pushed(verb: str) -> int:
    return -8 if verb in ("push", "pushfq") else 8 if verb in ("pop", "popfq") else 0


def _writeback(operands: str) -> int:
    match = _WRITEBACK.search(operands)
    return 0 if match is None else int(match.group(1) or match.group(3), 0)


def _moved(arch: Arch, verb: str, operands: str, depths: Depths) -> Optional[Tuple[str, int]]:
    """(register, its depth) when the instruction gives one a known distance from sp at entry."""
    match = _words(arch).moves.match(operands)
    if match is None:
        return None
    if arch.uses_lr:
        to, source, step, shift = match.groups()
        if verb not in ("mov", "add", "sub") or source not in depths or (verb == "mov") == (step is not None):
            return None
        distance = int(step or "0", 0) << int(shift or "0")
        return to, depths[source] + (-distance if verb == "sub" else distance)
    to, source, base, sign, offset = match.groups()
    if verb == "mov" and source in depths:
        return to, depths[source]
    if verb == "lea" and base in depths and offset[:1].isdigit():
        return to, depths[base] + (int(offset, 0) if sign == "+" else -int(offset, 0))
    if verb in ("add", "sub") and to in depths and source and source[:1].isdigit():
        return to, depths[to] + (int(source, 0) if verb == "add" else -int(source, 0))
    return None


def _written(arch: Arch, verb: str, operands: str) -> Iterator[str]:
    """The whole registers that may get a new value: of the first operand, or any but the stored ones' address."""
    if arch.uses_lr:
        if verb.startswith(("st", "b", "cb", "tb")):
            return
        named = operands.split("[", 1)[0].split(", ")
        yield from ("x" + name[1:] if name[:1] == "w" else name for name in named)
        return
    if verb.startswith(("xchg", "xadd")):
        yield from (_whole(name) for name in operands.split(", "))
    elif verb == "leave":
        yield from ("rsp", "rbp")
    else:
        yield _whole(operands.split(", ", 1)[0])
        yield from ("rax", "rdx", "rcx") if verb in ("syscall", "cpuid", "rdtsc", "mul", "div", "cmpxchg") else ()


def _whole(name: str) -> str:
    """The 64-bit register that `name` is a part of."""
    if re.match(r"r\d+[dwb]$", name):
        return name[:-1]
    if re.match(r"[er]?[a-ds][xpi]$|[er]?[ds]i$", name):
        return "r" + name[-2:]
    return {"al": "rax", "bl": "rbx", "cl": "rcx", "dl": "rdx", "spl": "rsp", "bpl": "rbp"}.get(name, name)
