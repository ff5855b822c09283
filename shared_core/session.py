"""A Session: one target, understood as far as it has been asked. Everything is read when first needed."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple, Union

from .arch import ARCH_NAMES, Arch, get_arch
from .binary.image import LoadedImage
from .binary.program import Modules, Program
from .binary.types import Types
from .errors import UNPARSABLE, Absent, FormatError, GoxrayError, LayoutError, NotGoError, ReadError
from .layouts.globals import Globals
from .layouts.model import Layout
from .layouts.resolve import Resolution, resolve
from .memory import Memory, memory_of
from .runtime.allgs import allgs_of, not_started
from .runtime.frames import SourceFrames
from .runtime.goroutine import Goroutine, GoroutineReader, plausible, read_goroutines
from .runtime.unwind import Unwinder
from .runtime.world import World
from .target import FILE, Target

_SAMPLE = 64


class _BackedReader:
    """The target's memory, and the executable's constants for what a core left out of it.

    Kernels and qemu dump no pages that are in a file anyway. gdb finds them in an executable that it has relocated,
    which it does not do where a core names no files.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.image: Optional[LoadedImage] = None

    def read(self, address: int, size: int) -> bytes:
        try:
            return self._target.read(address, size)
        except ReadError:
            if self.image is None:
                raise
            return self.image.filed(address, size)


class Session:
    """A target with its program, layout, globals and runtime state; the walkers' only way to any of them.

    remarks: what the user should know about how the target is looked at, among the warnings of every answer.
    force: take the executable for the one that ran although the memory says that it is another.
    Raises NotGoError, FormatError or LayoutError from the property that first finds out.
    """

    def __init__(self, target: Target, remarks: Sequence[str] = (), force: bool = False) -> None:
        self.target = target
        self._remarks = remarks
        self._force = force
        self._reader = _BackedReader(target)
        self.memory = memory_of(self._reader, target)
        self._program: Optional[Program] = None
        self._layout: Union[Layout, LayoutError, None] = None
        self._layout_warnings: List[str] = []
        self._modules: Optional[Modules] = None
        self._globals: Optional[Globals] = None
        self._unwinder: Optional[Unwinder] = None
        self._source_frames: Optional[SourceFrames] = None
        self._types: Optional[Types] = None
        self._world: Optional[World] = None
        # The goroutine that the user has selected by itself, where a debugger can do that.
        self.selected_goroutine: Optional[int] = None
        # What commands keep from one stop to the next, by their names.
        self.looks: Dict[str, object] = {}

    def invalidate(self) -> None:
        """Forget what the program may have changed: to be called when it has run. Its code and tables are kept."""
        self.memory.clear()
        self._world = None
        if isinstance(self._layout, LayoutError):
            self._layout = None
        if self._modules is not None and self._program is not None:
            try:
                current = len(self._program.modules(self.layout).all)
            except GoxrayError:
                current = 0
            if current != len(self._modules.all):
                # A plugin came: its functions are new, and so are the facts about pcs in them.
                self._modules = self._unwinder = self._source_frames = self._globals = self._types = None

    @property
    def program(self) -> Program:
        """The executable; NotGoError if it holds no Go program."""
        if self._program is None:
            target = self.target
            if target.byte_order != "little" or target.pointer_size != 8 or target.arch not in ARCH_NAMES:
                raise NotGoError(f"goxray reads amd64 and arm64 programs; this one is {target.arch}")
            self._program = Program(target, self.memory, self._force)
            self._reader.image = self._program.image
            self.memory.clear()  # of places that could not be read so far
        return self._program

    @property
    def arch(self) -> Arch:
        return get_arch(self.program.arch)

    @property
    def layout(self) -> Layout:
        """The layout that fits; LayoutError says what was tried."""
        if isinstance(self._layout, LayoutError):
            raise self._layout
        if self._layout is None:
            program = self.program
            path = program.image.path if program.image.in_file else None
            try:
                resolution = resolve(program.go_version, program.arch, path, self._why_not)
            except LayoutError as error:
                try:
                    resolution = self._by_the_tables_alone(path, error)
                except LayoutError:
                    # Kept: every command would try all tables again.
                    self._layout = error
                    raise
            self._layout = resolution.layout
            self._layout_warnings = list(resolution.warnings)
        return self._layout

    def _by_the_tables_alone(self, path: Optional[str], refusal: LayoutError) -> Resolution:
        """The layout of the program's own version when only its goroutines speak against it: damaged memory does so.

        Raises `refusal` where the modules do not fit either, or there is no layout of that version.
        """
        version = self.program.go_version
        try:
            found = resolve(version, self.program.arch, path, self._why_not_its_modules)
        except LayoutError:
            raise refusal from None
        if found.warnings:
            raise refusal
        what = f"what should be the goroutines of {version} does not look like any: is the memory damaged?"
        return Resolution(found.layout, [what])

    def _why_not_its_modules(self, layout: Layout) -> Optional[str]:
        try:
            self.program.modules(layout)
        except (GoxrayError, KeyError) as error:
            return str(error)
        return None

    def _why_not(self, layout: Layout) -> Optional[str]:
        """The structural checks: the moduledata agrees with pclntab, and what allgs leads to are goroutines."""
        try:
            modules = self.program.modules(layout)
            if self.program.image.static:
                return None
            lookup = _globals(self.program, modules, layout)
            reader = GoroutineReader(layout)
            if not_started(lookup, self.memory):
                return None
            allgs = allgs_of(lookup, self.memory, reader)
        except ReadError:
            # A truncated core: what the file tells must do.
            return None
        except GoxrayError as error:
            return str(error)
        except KeyError as error:
            return f"it does not name {error}"
        return _first_misfit(self.memory, modules, reader, allgs)

    @property
    def warnings(self) -> List[str]:
        """What the user should know about how far the answers can be trusted."""
        world = self._world.warnings if self._world is not None else []
        program = self._program.warnings if self._program is not None else []
        modules = self._modules.warnings if self._modules is not None else []
        return [*self._remarks, *program, *self._layout_warnings, *modules, *world]

    @property
    def modules(self) -> Modules:
        """The program's modules, for pc -> function."""
        if self._modules is None:
            self._modules = self.program.modules(self.layout)
        return self._modules

    @property
    def globals(self) -> Globals:
        """Addresses of the runtime's variables; FormatError where there is no memory to look for them in."""
        if self._globals is None:
            self._need_memory()
            self._globals = _globals(self.program, self.modules, self.layout)
        return self._globals

    @property
    def unwinder(self) -> Unwinder:
        if self._unwinder is None:
            self._unwinder = Unwinder(self.modules, self.memory, self.layout, self.arch)
        return self._unwinder

    @property
    def source_frames(self) -> SourceFrames:
        if self._source_frames is None:
            self._source_frames = SourceFrames(self.layout)
        return self._source_frames

    @property
    def types(self) -> Types:
        """The type descriptors of all modules."""
        if self._types is None:
            self._types = Types(self.modules.all, self.memory, self.layout)
        return self._types

    @property
    def world(self) -> World:
        """The runtime's state at this stop: goroutines and Ms. FormatError for a target that has no memory."""
        if self._world is None:
            self._need_memory()
            self._world = World(self)
        return self._world

    def _need_memory(self) -> None:
        if self.target.kind == FILE:
            raise FormatError("there is no process: open a core, attach to a process, or run the program")
        if self.program.foreign:
            raise FormatError(self.program.foreign)


def _globals(program: Program, modules: Modules, layout: Layout) -> Globals:
    elf, bias = program.image.elf, program.image.bias

    def symbol(name: str) -> Optional[int]:
        value = elf.symbol(name)
        return None if value is None else value + bias

    return Globals(layout, get_arch(program.arch), modules.code, symbol)


def _first_misfit(memory: Memory, modules: Modules, reader: GoroutineReader, allgs: Tuple[int, int]) -> Optional[str]:
    """What tells that the first entries of allgs are not read as they are laid out; None when they seem to be."""
    sample = (allgs[0], min(allgs[1], _SAMPLE))
    readable = [g for _, g in read_goroutines(memory, reader, sample) if isinstance(g, Goroutine)]
    reasons = [reason for reason in (plausible(g) or _stray(modules, g) for g in readable) if reason]
    if readable and len(reasons) > len(readable) // 4:
        return f"what should be goroutines are none: {reasons[0]}"
    # The collector's own are among the first, and never end.
    if readable and not any(g.raw.startpc for g in readable if not g.condition.dead):
        return f"none of the first {len(readable)} goroutines would be alive in a function"
    return None


def _stray(modules: Modules, goroutine: Goroutine) -> str:
    """Why the code or the state of a live goroutine cannot be; "" when it can. C threads' have no startpc."""
    start = goroutine.raw.startpc
    found = modules.find(start) if start and not goroutine.condition.dead else None
    if start and not goroutine.condition.dead and (found is None or found[1].entry != start):
        return f"{start:#x}, where one should have started, is the start of no function"
    reason = goroutine.wait_reason
    return reason.detail if isinstance(reason, Absent) and reason.kind == UNPARSABLE else ""
