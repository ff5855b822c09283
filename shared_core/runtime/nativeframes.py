"""Frames of C code, by call frame information alone: where there is none the walk ends and says so.

Source: DWARF 5, 6.4.3 (unwinding by call frame information).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, NamedTuple, Optional, Union

from ..arch.cabi import C_ABIS
from ..binary.cfirows import OFFSET, REGISTER, SAME, UNDEFINED, VALUE_EXPRESSION, VALUE_OFFSET, Row
from ..binary.dwarfexpr import evaluate
from ..errors import FormatError, GoxrayError
from .nativecode import NativeImage
from .unwind import Stop

if TYPE_CHECKING:
    from ..session import Session
    from .world import World

MAX_NATIVE = 1000
_MASK = (1 << 64) - 1
_POINTER = (1 << 48) - 1  # arm64: what is above signs the pointer


class NativeFrame(NamedTuple):
    """A frame of code that is not Go's.

    function: its symbol, "" without one; offset: of pc, in the function, or in the image where no symbol tells.
    image: the file's name, "" where none is known.
    """

    function: str
    offset: int
    image: str
    pc: int
    sp: int


class Machine(NamedTuple):
    """Where a walk over C code stands. registers: by DWARF number, those that are known, sp among them.

    trap: pc was interrupted, and is no return address.
    """

    pc: int
    registers: Dict[int, int]
    trap: bool


class NativeUnwinder:
    """Walks C frames of one stopped program."""

    def __init__(self, session: Session, world: World) -> None:
        self._session = session
        self._code = world.native_code
        abi = C_ABIS[session.arch.name]
        self._names = names = abi.dwarf
        self.sp = names.index(session.arch.sp)
        self.number = {name: number for number, name in enumerate(names)}
        self._kept = {self.sp, *(self.number[name] for name in abi.kept)}

    def walk(self, machine: Machine) -> Iterator[Union[NativeFrame, Machine, Stop]]:
        """Frames from the innermost out; then a Machine where Go code begins, or a Stop where nothing leads on."""
        for _ in range(MAX_NATIVE):
            image = self._code.image(machine.pc)
            sp = machine.registers[self.sp]
            # A return address may be the start of the next function: the call is in the one before.
            name, offset = image.place(machine.pc - (not machine.trap)) if image else ("", 0)
            yield NativeFrame(name, offset + (not machine.trap), image.name if image else "", machine.pc, sp)
            outer = self._caller(machine, image)
            if isinstance(outer, Stop):
                yield outer
                return
            machine = outer
            if self._session.unwinder.facts(machine.pc) is not None:
                yield machine
                return
        yield Stop(f"{MAX_NATIVE} frames of C code in a row", machine.pc, machine.registers[self.sp])

    def _caller(self, machine: Machine, image: Optional[NativeImage]) -> Union[Machine, Stop]:
        pc, sp = machine.pc, machine.registers[self.sp]
        if image is None:
            return Stop(f"{pc:#x} is in no Go function and in no file at hand", pc, sp)
        if image.frames is None:
            return Stop(f"{image.name} has no unwind information", pc, sp)
        try:
            row = image.frames.row(pc - (not machine.trap))
            found = self._apply(row, machine.registers)
        except GoxrayError as error:
            return Stop(str(error), pc, sp)
        if found is None:
            return Stop("", pc, sp)
        up = found.registers[self.sp]
        if up < sp or (up == sp and found.pc == pc) or up % 8:
            return Stop("its unwind information leads back", pc, sp)
        return found

    def _apply(self, row: Row, registers: Dict[int, int]) -> Optional[Machine]:
        """The caller; None for an outermost function, whose return address is marked as undefined."""
        word = self._session.memory.u64
        rules = row.rules
        if isinstance(rules.cfa, bytes):
            cfa = evaluate(rules.cfa, registers, word)
        elif rules.cfa[0] in registers:
            cfa = registers[rules.cfa[0]] + rules.cfa[1] & _MASK
        else:
            raise FormatError(f"unwinding needs {self._name(rules.cfa[0])}, which is not known here")
        found = dict(registers)
        for register, (kind, value) in rules.registers.items():
            new = self._value(kind, value, cfa, registers)
            if new is not None:
                found[register] = new
            elif kind != SAME:
                found.pop(register, None)
        if rules.registers.get(self.sp, (SAME, 0))[0] == SAME:
            found[self.sp] = cfa
        pc = found.get(row.return_register)
        if pc is None or rules.registers.get(row.return_register, (SAME, 0))[0] == UNDEFINED:
            return None
        if not row.signal:
            # A call may change the others; the kernel's frame has them all.
            found = {number: value for number, value in found.items() if number in self._kept}
        return Machine(pc & _POINTER if rules.signed else pc, found, row.signal) if pc else None

    def _value(self, kind: int, value: Union[int, bytes], cfa: int, registers: Dict[int, int]) -> Optional[int]:
        word = self._session.memory.u64
        if isinstance(value, bytes):
            at = evaluate(value, registers, word, cfa)
            return at if kind == VALUE_EXPRESSION else word(at)
        if kind == OFFSET:
            return word(cfa + value & _MASK)
        if kind == VALUE_OFFSET:
            return cfa + value & _MASK
        return registers.get(value) if kind == REGISTER else None

    def _name(self, number: int) -> str:
        return self._names[number] if 0 <= number < len(self._names) else f"register {number}"
