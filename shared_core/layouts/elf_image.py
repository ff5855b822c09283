"""What the generator needs of an ELF file: bytes by address (relocations applied) and symbols with their sizes."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from ..errors import FormatError

_RELATIVE = {"EM_X86_64": 8, "EM_AARCH64": 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_ARCHES = {"EM_X86_64": "amd64", "EM_AARCH64": "arm64"}
_MAX_STRING = 4096


class Symbol(NamedTuple):
    """A symbol's address in the file and its size in bytes."""

    address: int
    size: int


class ElfImage:
    """An ELF file opened for reading; close() when done. FormatError if it is not one."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  # closed by close()
        try:
            self.elf: Any = ELFFile(self._file)
            self._segments = [s for s in self.elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        except (ELFError, ValueError, AssertionError, KeyError, OSError) as error:
            self._file.close()
            raise FormatError(f"{path} cannot be read as an ELF file: {error}") from None
        self.arch = _ARCHES.get(self.elf["e_machine"], str(self.elf["e_machine"]))
        self._relocated: Optional[Dict[int, int]] = None

    def __enter__(self) -> ElfImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at file address `address`; zeros where the file holds none of a segment, FormatError outside."""
        for segment in self._segments:
            start = segment["p_vaddr"]
            if start <= address and address + size <= start + segment["p_memsz"]:
                held = max(0, min(size, start + segment["p_filesz"] - address))
                self._file.seek(segment["p_offset"] + address - start)
                return self._file.read(held).ljust(size, b"\0")
        raise FormatError(f"{size} bytes at {address:#x} are in no segment of the file")

    def pointer(self, address: int) -> int:
        """The word at `address` as the loader would leave it, for a load bias of 0."""
        if self._relocated is None:
            self._relocated = self._relative_relocations()
        value: int = struct.unpack("<Q", self.read(address, 8))[0]
        return self._relocated.get(address, value)

    def strings(self, address: int, count: int) -> List[str]:
        """The Go strings of the array [count]string at `address`."""
        return [self._string(address + 16 * i) for i in range(count)]

    def _string(self, address: int) -> str:
        length = self.pointer(address + 8)
        if not 0 < length <= _MAX_STRING:
            return ""
        return self.read(self.pointer(address), length).decode("utf-8", "replace")

    def _relative_relocations(self) -> Dict[int, int]:
        """Address -> value of every RELATIVE relocation (PIE); Go's linker may leave zeros in the data itself."""
        section = self.elf.get_section_by_name(".rela.dyn") or self.elf.get_section_by_name(".rela")
        wanted = _RELATIVE.get(self.elf["e_machine"])
        if section is None or wanted is None:
            return {}
        return {r["r_offset"]: r["r_addend"] for r in section.iter_relocations() if r["r_info_type"] == wanted}

    def symbols(self) -> Tuple[Dict[str, Symbol], Dict[str, Symbol], Set[str]]:
        """(functions, variables) of .symtab by name, and the function names that occur twice.

        pclntab names a function and its wrapper for the other calling convention ("f.abi0" here) alike; the longer
        one is the function.
        """
        table = self.elf.get_section_by_name(".symtab")
        functions: Dict[str, Symbol] = {}
        variables: Dict[str, Symbol] = {}
        twice: Set[str] = set()
        for symbol in table.iter_symbols() if table is not None else ():
            kind, place = symbol["st_info"]["type"], Symbol(symbol["st_value"], symbol["st_size"])
            if kind == "STT_FUNC":
                name = symbol.name[: -len(".abi0")] if symbol.name.endswith(".abi0") else symbol.name
                if name in functions:
                    twice.add(name)
                functions[name] = max(functions.get(name, place), place, key=lambda p: p.size)
            elif kind == "STT_OBJECT":
                variables.setdefault(symbol.name, place)
        return functions, variables, twice
