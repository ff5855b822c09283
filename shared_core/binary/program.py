"""The Go program in a target: which image it is, its pclntab, its build info and Go version, its modules."""

from __future__ import annotations

import re
import struct
from itertools import islice
from typing import List, Optional, Tuple

from ..errors import FormatError, GoxrayError, NotGoError, ReadError
from ..layouts.model import Layout
from ..memory import Memory
from ..target import CORE, FILE, Image, Target
from .buildinfo import BuildInfo, read_build_info
from .funcs import Func, FuncTable
from .identity import both_ids, is_other_file, needed, verdict
from .image import LoadedImage
from .moduledata import Module, find_module, leads_to, module_at, other_modules, read_fields
from .pclntab import PcHeader, named_header, old_or_foreign, read_header, scanned_headers

_MAX_IMAGES = 256
_VERSION_TEXT = re.compile(rb"(?:go1\.\d{1,3}(?:\.\d{1,3}|(?:rc|beta)\d{1,2})?|devel go1\.\d{1,3}-[ -~]{1,80})")
_MAX_VERSION_PLACES = 256


_Found = Tuple[LoadedImage, PcHeader]


class Program:
    """What the executable holds. Built once per program; everything is read when first asked for.

    Raises NotGoError when no image of the target holds a Go program.
    """

    def __init__(self, target: Target, memory: Memory, force: bool = False) -> None:
        self.memory = memory
        self._force = force
        self.target = target
        self.warnings: List[str] = []
        self.images = target.images()[:_MAX_IMAGES]
        if not self.images:
            raise NotGoError("no program to look at: name its file, open a core, or attach to a process")
        self._loaded: List[Tuple[Image, LoadedImage]] = []
        self.foreign = ""  # why the target's memory is not this program's: then only the file is read
        self.image, self.header = self._find()
        self.build_info: Optional[BuildInfo] = read_build_info(self.image)
        self.go_version = self.build_info.go_version if self.build_info else self._build_version()
        self.arch = self.image.elf.arch

    def _find(self) -> _Found:
        reasons: List[str] = []
        for index, image in enumerate(self.images):
            found = self._tables_of(image, reasons)
            if image.path is not None and self.target.kind != FILE:
                found = self._proved(found, index, reasons)
            if found is not None:
                return found
        raise NotGoError(self._why_none(reasons[0]))

    def _why_none(self, reason: str) -> str:
        """Of the main executable: that it is none of Go's, or which one would be needed."""
        main = self.images[0]
        other = any(image == main and is_other_file(loaded) for image, loaded in self._loaded)
        start = main.load_bias if main.start is None else main.start
        if self.target.kind != FILE and (main.path is None or other):
            lacking = needed(self.target, self.memory, start)
            if lacking:
                return f"{reason}; {lacking}" if other else lacking
        return f"not a Go program that goxray can read: {reason}"

    def _tables_of(self, image: Image, reasons: List[str]) -> Optional[_Found]:
        """The image with its pclntab; None, and a reason more, where it is no Go program."""
        try:
            loaded = self._load(image)
        except GoxrayError as error:
            reasons.append(str(error))
            return None
        header = named_header(loaded) or _likely_header(loaded)
        if header is not None:
            return loaded, header
        reasons.append(f"{image.path or hex(image.load_bias)}: {old_or_foreign(loaded) or _no_tables(loaded)}")
        return None

    def _proved(self, found: Optional[_Found], index: int, reasons: List[str]) -> Optional[_Found]:
        """The same where the file is the program in memory; else what memory itself has of the program, if it can do.

        Else the file alone, or None where it is not Go's.
        """
        image = self.images[index]
        if found is None:
            why = reasons[-1]
        else:
            same, remark = verdict(*found, self.target.mappings())
            self.warnings += [remark] if remark and self.target.kind == CORE else []
            if same is not False:
                return found
            why = f"{image.path} is not the program that left this memory {both_ids(found[0])}"
            if self._force:
                self.warnings.append(f"{why}; taken for it all the same, as was asked for")
                return found
        in_memory = None
        if image.start is not None:
            in_memory = self._tables_of(Image(None, image.start), [])
        if in_memory is not None:
            self.warnings.append(f"{why}; what is shown is read from memory alone")
            self.images[index] = Image(None, in_memory[0].start)
            return in_memory
        if found is not None:
            found[0].static = True
            self.foreign = f"{why}: open the core with the right one"
            self.warnings.append(f"{self.foreign}; what is shown is read from the file alone")
        return found

    def _load(self, image: Image) -> LoadedImage:
        for known, loaded in self._loaded:
            if known == image:
                return loaded
        loaded = LoadedImage(self.target, self.memory, image)
        self._loaded.append((image, loaded))
        return loaded

    def _build_version(self) -> str:
        """runtime.buildVersion: the Go string in the data that names a Go version; "" when none does."""
        places = dict(islice(self.image.search(_VERSION_TEXT, False, True), _MAX_VERSION_PLACES))
        if not places:
            return ""
        headers = b"|".join(re.escape(struct.pack("<QQ", at, len(text))) for at, text in places.items())
        pattern = re.compile(headers, re.DOTALL)
        _, found = next(self.image.search(pattern, True, align=8), (0, b""))
        return places[struct.unpack("<QQ", found)[0]].decode() if found else ""

    def modules(self, layout: Layout) -> Modules:
        """The program's own module first, then those of the `next` list; FormatError if the first does not fit."""
        first = find_module(self.image, self.header, layout)
        found, warnings = [first], []
        for address in other_modules(first, layout):
            try:
                found.append(self._module(address, layout))
            except GoxrayError as error:
                warnings.append(f"the module at {address:#x} cannot be read: {error}")
        return Modules(found, warnings)

    def _module(self, address: int, layout: Layout) -> Module:
        image = self._image_at(address)
        place = read_fields(image, address, layout)["pcHeader"]
        return module_at(image, read_header(image, place), address, layout)

    def _image_at(self, address: int) -> LoadedImage:
        found = self._image_among(self.images, address)
        if found is None:
            # A plugin may have come since.
            fresh = [image for image in self.target.images()[1:_MAX_IMAGES] if image not in self.images]
            self.images += fresh
            found = self._image_among(fresh, address)
        if found is None:
            raise ReadError(address, 8)
        return found

    def _image_among(self, images: List[Image], address: int) -> Optional[LoadedImage]:
        for image in images:
            try:
                loaded = self._load(image)
            except GoxrayError:
                continue
            if loaded.contains(address):
                return loaded
        return None

    def bare_table(self) -> FuncTable:
        """The function table from pclntab alone, for a Go version with no layout; addresses from its text start.

        FormatError when the header does not name it (Go 1.26 and later leave it zero).
        """
        header = self.header
        wide = header.layout == "1.16"
        if not wide and not header.text_start:
            raise FormatError("its pclntab does not say where the text starts")
        for segment in self.image.elf.segments:
            end = segment.address + self.image.bias + segment.memory_size
            if end - segment.memory_size <= header.address < end:
                data = self.image.constant(header.address, end - header.address)
                return FuncTable(header, data, lambda offset: offset if wide else header.text_start + offset)
        raise FormatError("its pclntab lies outside the image")


def _no_tables(image: LoadedImage) -> str:
    cut = image.elf.missing_bytes() if image.in_file else 0
    return f"no pclntab in it, and {cut} bytes of the file are missing at its end" if cut else "no pclntab in it"


def _likely_header(image: LoadedImage) -> Optional[PcHeader]:
    """The first pclntab that a moduledata leads to: a program may hold another one, as embedded data."""
    first = None
    for header in scanned_headers(image):
        if leads_to(image, header):
            return header
        first = first or header
    return first


class Modules:
    """pc -> function over all modules of a program."""

    def __init__(self, modules: List[Module], warnings: List[str]) -> None:
        self.all = modules
        self.warnings = warnings

    def find(self, pc: int) -> Optional[Tuple[Module, Func]]:
        """The function that holds `pc` and its module; None outside Go text or where the tables are broken."""
        for module in self.all:
            try:
                func = module.find(pc)
            except (GoxrayError, struct.error, IndexError):
                continue
            if func is not None:
                return module, func
        return None

    def by_name(self, name: str) -> Optional[Tuple[Module, Func]]:
        """The function with exactly this name, in the program first; the longer of one and its ABI wrapper."""
        for module in self.all:
            found = module.table.by_name(name)
            if found:
                return module, max(found, key=lambda func: func.end - func.entry)
        return None

    def code(self, name: str) -> Optional[Tuple[int, bytes]]:
        """(entry, machine code) of the function called `name`."""
        found = self.by_name(name)
        try:
            return None if found is None else (found[1].entry, bytes(found[0].code(found[1])))
        except ReadError:
            return None
