"""LldbTarget: the Target protocol over an lldb target. It translates; what things mean is the core library's."""

from __future__ import annotations

import sys
from bisect import bisect_left
from typing import Any, Callable, ContextManager, Dict, List, Optional, Sequence, Tuple

import lldb

from shared_core.errors import ReadError, UserError
from shared_core.target import CORE, FILE, Image, Mapping, Thread
from shared_core.targets.corenotes import CoreNotes
from shared_core.targets.file import FileTarget

from . import corefile, goroutines, images, mappings, summaries, symbols, threads
from . import process as processes
from . import watch as watches

_TOP = 1 << 64
_MAX_READ = 1 << 30


class LldbTarget:
    """One target. Mappings, images and threads are kept until `forget`; FormatError for a file that is not ELF.

    remarks: what the user should know about the core file.
    """

    knows_go = False
    runs_on = False

    def __init__(self, target: Any) -> None:
        self._target = target
        self._process = target.GetProcess()
        self.arch = processes.architecture(target)
        self.pointer_size = int(target.GetAddressByteSize())
        self.byte_order = processes.byte_order(target)
        self.kind = self._kind()
        self._file = FileTarget(_path(target)) if self.kind == FILE else None
        core = corefile.core_file_of(self._process) if self.kind == CORE else None
        self._notes: Optional[CoreNotes] = core.notes if core else None
        self.remarks = core.remarks if core else []
        self._missing_starts = [start for start, _ in core.missing] if core else []
        self._missing_ends = [end for _, end in core.missing] if core else []
        self._mappings: Optional[List[Mapping]] = None
        self._images: Optional[List[Image]] = None
        self._threads: Optional[List[Thread]] = None
        self._seen = self._view()

    def _kind(self) -> str:
        return processes.kind(self._process)

    def is_of(self, target: Any) -> bool:
        """Whether it is this SBTarget's."""
        return bool(self._target == target)

    def is_alive(self) -> bool:
        """Whether lldb still has the target."""
        return bool(self._target.IsValid())

    def _view(self) -> Tuple[Any, ...]:
        """What the user may change even where the program cannot move."""
        if self.kind == FILE:
            return ()
        thread = self._process.GetSelectedThread().GetThreadID()
        return self._process.GetStopID(True), thread, self._target.GetNumModules()

    def forget(self) -> bool:
        """The program may have moved; False if it has not, as far as lldb tells."""
        seen, self._seen = self._seen, self._view()
        if self.kind == CORE and seen == self._seen:
            return False
        self._mappings = self._images = self._threads = None
        return True

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError. Called for every goroutine's stack."""
        end = address + size
        if not 0 < size <= _MAX_READ or address < 0 or end > _TOP:
            return _no_range(address, size)
        if self._file is not None:
            return self._file.read(address, size)
        # lldb may have zeros, or a file's bytes, for what a core does not hold.
        index = bisect_left(self._missing_starts, end) - 1
        if index >= 0 and self._missing_ends[index] > address:
            raise ReadError(address, size)
        data: bytes = self._process.ReadMemory(address, size, lldb.SBError()) or b""
        # lldb stops where a segment of a core ends, and at the end of a mapping.
        while len(data) < size:
            more: bytes = self._process.ReadMemory(address + len(data), size - len(data), lldb.SBError()) or b""
            if not more:
                raise ReadError(address, size)
            data += more
        return data

    def mappings(self) -> List[Mapping]:
        """The mapped ranges by ascending address; empty when lldb cannot tell."""
        if self._file is not None:
            return self._file.mappings()
        if self._mappings is None:
            self._mappings = mappings.of_process(self._process, self._notes)
        return self._mappings

    def images(self) -> List[Image]:
        """Loaded images, the main executable first."""
        if self._file is not None:
            return self._file.images()
        if self._images is None:
            self._images = images.of_process(self._target, self._notes, self.mappings(), self.read)
        return self._images

    def resident(self) -> Optional[Dict[int, int]]:
        """Start of a mapping -> bytes of it in RAM, of a process on this machine."""
        return processes.resident(self._process)

    def monotonic_time(self) -> Optional[int]:
        """The program's CLOCK_MONOTONIC in ns, where it runs under this very kernel and time namespace."""
        return processes.monotonic_time(self._process)

    def threads(self) -> List[Thread]:
        """All threads with their registers, by lldb's numbers; the user's selection stays as it is."""
        if self.kind == FILE:
            return []
        if self._threads is None:
            chosen = goroutines.real(self._process, self._process.GetSelectedThread().GetThreadID())
            self._threads = threads.of_process(self._process, self.arch, chosen)
        return self._threads

    def load_symbols(self, path: str, image: Optional[str], load_bias: int) -> bool:
        """Load a debug file; False if lldb has it already."""
        return symbols.load(self._target, path, image, load_bias)

    def types_loaded(self, names: Callable[[], List[str]]) -> None:
        """Have lldb ask for values of these types."""
        summaries.register(self._target.GetDebugger(), names())

    def watch(self, addresses: Sequence[int]) -> ContextManager[watches.GoOn]:
        """Lets the program run from one of the addresses to the next."""
        return watches.watch(self._target, addresses, self.forget)

    def write(self, text: str) -> None:
        """Show text at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Show a line while something takes long."""
        symbols.say(text)


def _path(target: Any) -> str:
    path = processes.executable(target)
    if path is None:
        raise UserError("no program: load one with `target create`")
    return path


def _no_range(address: int, size: int) -> bytes:
    """The answer for ranges that no memory can have, and for none at all."""
    if size:
        raise ReadError(address, size)
    return b""
