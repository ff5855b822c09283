"""Logical frames: what a traceback shows for each physical frame, inlined calls first.

Source: Go 1.27 runtime/symtabinl.go (inlineUnwinder), runtime/traceback.go (printFuncName, printArgs).
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..binary.moduledata import Module
from ..errors import GoxrayError, Maybe
from ..layouts.dialect import liveness_at_outer_call
from ..layouts.model import Layout
from .args import ArgItem
from .unwind import Frame


class SourceFrame(NamedTuple):
    """One line of a traceback. `function` is the linker's name; `func_id` tells wrappers and runtime entry points.

    For an inlined call, `physical` is the frame that it was folded into, and sp, fp and pc are that frame's.
    args: its argument words, None where nobody asked for them.
    """

    function: str
    file: str
    line: int
    func_id: int
    inlined: bool
    physical: Frame
    args: Optional[Maybe[List[ArgItem]]] = None

    @property
    def pc(self) -> int:
        return self.physical.pc


def display_name(name: str, two_brackets: bool = True) -> str:
    """funcNamePiecesForPrint: type arguments shown as [...], those of a generic type and of its method apart.

    Without `two_brackets` as before Go 1.27: all from the first bracket to the last is one.
    """
    first, last = name.find("["), name.rfind("]")
    if first < 0 or last <= first:
        return name
    middle = _between_brackets(name[first + 1 : last]) if two_brackets else ""
    if middle is None:
        return name
    return name[:first] + "[...]" + (middle + "[...]" if middle else "") + name[last + 1 :]


def _between_brackets(interior: str) -> Optional[str]:
    """What stands between two bracket pairs whose outer brackets are cut off; "" for one pair, None if unbalanced."""
    depth, closed = 1, -1
    for place, char in enumerate(interior):
        depth += (char == "[") - (char == "]")
        if char == "]" and depth == 0:
            closed = place
        elif char == "[" and depth == 1:
            return interior[closed + 1 : place]
        if depth < 0:
            return None
    return "" if depth == 1 and closed < 0 else None


class Place(NamedTuple):
    """A function and a line in it; `pc` is the address that it stands for."""

    function: str
    file: str
    line: int
    pc: int


# function, file, line, func id, inlined: the first fields of a SourceFrame
SourceFacts = Tuple[str, str, int, int, bool]


class SourceFrames:
    """Expands physical frames; facts per pc are kept, since many goroutines stand at the same pcs."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tabs: Dict[int, FuncTabs] = {}
        self._known: Dict[Tuple[int, int], List[SourceFacts]] = {}
        self._live_at: Dict[int, int] = {}

    def tabs(self, module: Module) -> FuncTabs:
        """The FUNCDATA reader of a module."""
        found = self._tabs.get(module.address)
        if found is None:
            found = self._tabs[module.address] = FuncTabs(module, self._layout)
        return found

    def expand(self, frame: Frame) -> List[SourceFrame]:
        """The inlined calls at this frame's pc, innermost first, then the function itself."""
        return [SourceFrame(*facts, frame) for facts in self.facts(frame.module, frame.func, frame.symbol_pc)]

    def facts(self, module: Module, func: Func, symbol_pc: int) -> List[SourceFacts]:
        """(function, file, line, func id, inlined) for each logical frame at `symbol_pc`."""
        key = (symbol_pc, func.entry)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._look_up(module, func, symbol_pc)
        return found

    def _look_up(self, module: Module, func: Func, symbol_pc: int) -> List[SourceFacts]:
        try:
            calls = self.tabs(module).inlined_at(func, symbol_pc)
        except (GoxrayError, IndexError):
            calls = [(None, symbol_pc)]
        found = []
        for call, pc in calls:
            file, line = _line(func, pc)
            name, func_id = (call.name, call.func_id) if call else (func.name, func.func_id)
            found.append((name, file, line, func_id, call is not None))
        return found

    def start_lines(self, module: Module, func: Func, symbol_pc: int) -> List[int]:
        """The lines that the functions of `facts` begin at; 0 where no table tells (Go 1.19)."""
        try:
            calls = self.tabs(module).inlined_at(func, symbol_pc)
        except (GoxrayError, IndexError):
            calls = [(None, symbol_pc)]
        return [call.start_line if call else func.start_line for call, _ in calls]

    def liveness_pc(self, frame: Frame) -> int:
        """Where the program's own traceback looks up which arguments are live: not the frame's pc in every version."""
        at = frame.symbol_pc
        if at not in self._live_at:
            outer = liveness_at_outer_call(self._layout)
            self._live_at[at] = self.tabs(frame.module).inlined_at(frame.func, at)[-1][1] if outer else at
        return self._live_at[at]

    def at(self, module: Module, func: Func, pc: int) -> Tuple[str, int]:
        """(file, line) of a return address such as gopc: of the call before it (printcreatedby1)."""
        back = module.header.quantum if pc > func.entry else 0
        return _line(func, pc - back)


def _line(func: Func, pc: int) -> Tuple[str, int]:
    try:
        return func.line_at(pc)
    except GoxrayError:
        return "?", 0


def package_of(function: str) -> str:
    """The import path of a function's package: "net/http" of "net/http.(*Server).Serve"."""
    slash = function.rfind("/")
    dot = function.find(".", slash + 1)
    return function[:dot] if dot > 0 else ""


def is_exported_runtime(name: str) -> bool:
    """isExportedRuntime: exported functions, and exported methods on exported types, of package runtime."""
    if not name.startswith("runtime."):
        return False
    receiver, _, method = name[len("runtime.") :].rpartition(".")
    if receiver.startswith("(*") and receiver.endswith(")"):
        receiver = receiver[2:-1]
    return method[:1].isascii() and method[:1].isupper() and (not receiver or receiver[:1].isupper())


def is_user_frame(function: str) -> bool:
    """Whether Delve would show this as the user's code: outside the runtime, internal packages and iter."""
    if "." not in function or (function.startswith("runtime.") and not is_exported_runtime(function)):
        return False
    return not function.startswith(("internal/", "runtime/internal/", "iter."))
