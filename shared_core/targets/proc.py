"""A Target over a process on this machine, through /proc: no debugger, no ptrace.

Sources: Linux fs/proc/base.c (mem, syscall), Documentation/filesystems/proc.rst.
"""

from __future__ import annotations

import os
from typing import Dict, List, Optional

from ..arch import ARCH_NAMES, get_arch
from ..binary.elf import ElfImage
from ..errors import ReadError, UserError
from ..target import LIVE, Image, Mapping, Thread
from . import procfs
from .images import main_images, recorded_path, shared_images
from .registers import NAMES

_MAX_READ = 1 << 30


class ProcTarget:
    """The process `pid`; its threads have pc and sp at most, and those only where the kernel holds them still.

    Raises UserError when there is no such process or no right to read it, FormatError when it is no program to read.
    """

    pointer_size = 8
    byte_order = "little"
    kind = LIVE

    def __init__(self, pid: int, exe_path: Optional[str] = None) -> None:
        self.pid = pid
        path = exe_path or procfs.executable(pid)
        try:
            self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise UserError(f"there is no process {pid}") from None
        except OSError as error:
            raise UserError(
                f"process {pid} cannot be read: {error.strerror}; it takes the rights to trace it"
            ) from None
        if path is None:
            raise UserError(f"process {pid} has no program: it is a thread of the kernel, or it is ending")
        self._exe = ElfImage.open(path)
        self.arch = self._exe.arch
        self._path = path

    def close(self) -> None:
        os.close(self._memory)

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""
        if not 0 <= address < 1 << 63 or not 0 <= size <= _MAX_READ:
            raise ReadError(address, size)
        data = self._piece(address, size)
        # The kernel stops at the end of a mapping, and within one at a page that cannot be had.
        while 0 < len(data) < size:
            more = self._piece(address + len(data), size - len(data))
            if not more:
                break
            data += more
        if len(data) != size:
            raise ReadError(address, size)
        return data

    def _piece(self, address: int, size: int) -> bytes:
        try:
            return os.pread(self._memory, size, address)
        except (OSError, OverflowError):
            return b""

    def mappings(self) -> List[Mapping]:
        """/proc/PID/maps."""
        return procfs.mappings(self.pid)

    def images(self) -> List[Image]:
        """The executable, then the shared objects."""
        maps, auxv = self.mappings(), procfs.auxiliary_vector(self.pid)
        main = main_images(self._path, self._exe, auxv, maps, self.read)
        return [*main, *shared_images(maps, recorded_path(auxv, maps), lambda each: procfs.file_of(self.pid, each))]

    def threads(self) -> List[Thread]:
        """The process's first thread is the selected one, as in a debugger."""
        return [self._thread(tid) for tid in procfs.threads(self.pid)]

    def _thread(self, tid: int) -> Thread:
        sp, pc = procfs.stopped_at(self.pid, tid)
        registers: Dict[str, Optional[int]] = dict.fromkeys(NAMES.get(self.arch, ()))
        if self.arch in ARCH_NAMES:
            arch = get_arch(self.arch)
            registers.update({arch.sp: sp, arch.pc: pc})
        name = procfs.text(f"/proc/{self.pid}/task/{tid}/comm").strip()
        return Thread(tid, name, registers, None, tid == self.pid, procfs.inner_id(self.pid, tid))

    def resident(self) -> Optional[Dict[int, int]]:
        """/proc/PID/smaps: start of a mapping -> bytes of it in RAM."""
        return procfs.resident(self.pid)

    @property
    def runs_on(self) -> bool:
        """Whether it goes on while it is looked at."""
        return procfs.state(self.pid, self.pid) not in ("T", "t")

    def monotonic_time(self) -> Optional[int]:
        """This machine's clock, unless the process has one of its own."""
        return procfs.monotonic_time(self.pid)
