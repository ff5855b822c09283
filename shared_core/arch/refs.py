"""Which data addresses a function's code names: the way to runtime globals that have no symbol."""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List

from ..errors import UserError
from . import amd64, arm64
from .model import Arch, Line, Ref

MAX_CODE = 1 << 20  # the runtime's longest function is some 20 KiB; more than this is no function

_FINDERS: Dict[str, Callable[[Iterator[Line]], Iterator[Ref]]] = {"amd64": amd64.refs, "arm64": arm64.refs}


def data_refs(arch: Arch, code: bytes, address: int) -> List[Ref]:
    """Every data address that `code`, which runs at `address`, names, in the order of its instructions.

    Bytes that are no instruction are skipped. References into the code itself (literal pools, jump targets) are left
    out. Raises UserError where capstone is not installed.
    """
    code = code[:MAX_CODE]
    inside = range(address, address + len(code))
    return [ref for ref in _FINDERS[arch.name](disassemble(arch, code, address)) if ref.target not in inside]


def distinct_targets(refs: List[Ref]) -> List[int]:
    """The refs' target addresses without repeats, in order of first appearance (what layouts.Anchor counts)."""
    return list(dict.fromkeys(ref.target for ref in refs))


def disassemble(arch: Arch, code: bytes, address: int) -> Iterator[Line]:
    """(pc, size, mnemonic, operands) per instruction, in capstone's own words; undecodable bytes become ".byte"."""
    machine = _machine(arch)
    lines: Iterator[Line] = machine.disasm_lite(code, address)
    return lines


_machines: Dict[str, object] = {}


def _machine(arch: Arch):  # type: ignore[no-untyped-def]  # capstone has no types
    if arch.name not in _machines:
        _machines[arch.name] = _new_machine(arch)
    return _machines[arch.name]


def _new_machine(arch: Arch) -> object:
    try:
        import capstone  # here, since loading it costs more than the rest of the package
    except ImportError as error:
        raise UserError(f"capstone cannot be loaded ({error}): pip install capstone") from None
    if arch.name == "amd64":
        machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    else:
        # capstone 6 renamed CS_ARCH_ARM64 to CS_ARCH_AARCH64.
        family = capstone.CS_ARCH_AARCH64 if hasattr(capstone, "CS_ARCH_AARCH64") else capstone.CS_ARCH_ARM64
        machine = capstone.Cs(family, capstone.CS_MODE_ARM)
    machine.skipdata = True
    return machine
