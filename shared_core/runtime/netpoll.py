"""What goroutines in "IO wait" wait for: a descriptor of the network poller, by the pollDesc that names the goroutine.

Sources: Go 1.27 runtime/netpoll.go (pollDesc: rg, wg, fd, self, rd, wd), internal/poll/fd_unix.go (FD),
net/fd_posix.go (netFD: an FD, then family, sotype, isConnected, net, laddr, raddr; the same since Go 1.19),
os/file_unix.go (file: an FD, then its name), net/tcpsock.go, udpsock.go, unixsock.go, iprawsock.go (net.Addr).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, List, Optional

from ..binary.types import Types
from ..errors import NOT_RECORDED, Absent, GoxrayError, Maybe, ReadError
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

READ, WRITE = "read", "write"
WINDOW = 4096  # bytes of a stack from sp up: the poller's frames, and those of package net above it
_MAX_TEXT = 1 << 12
_NETWORKS = ("tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket", "unixpassthrough", "ip")


@dataclass
class Poll:
    """pollDesc: its address. fd: the descriptor's number. deadline: in ns of the monotonic clock, 0 for none, negative
    for one that has passed. network: "tcp", "file" or "" where that is not known; name: of a file."""

    address: int
    fd: int
    direction: str
    deadline: int
    network: str
    local: Maybe[str]
    remote: Maybe[str]
    name: str = ""


class Poller:
    """Finds the descriptors that goroutines wait for; only their stacks lead to them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        structs = session.layout
        desc = structs.struct("runtime.pollDesc")
        self._rg, self._wg, self._fd, self._self = (desc.offset(name) for name in ("rg", "wg", "fd", "self"))
        self._rd, self._wd = desc.offset("rd"), desc.offset("wd")
        file = structs.struct("internal/poll.FD")
        self._sysfd, self._desc, self._after = file.offset("Sysfd"), file.offset("pd.runtimeCtx"), file.size
        self._types: Optional[Types] = None

    def of(self, goroutine: Goroutine) -> Maybe[Poll]:
        """The descriptor whose pollDesc says that this goroutine waits for it."""
        words = self._words(goroutine)
        for word in words:
            direction = self._direction(word, goroutine.address)
            if direction:
                return self._poll(word, direction, words)
        return Absent(NOT_RECORDED, "its stack leads to no descriptor that knows of it")

    def _words(self, goroutine: Goroutine) -> List[int]:
        raw = goroutine.raw
        size = min(raw.high - raw.sched_sp, WINDOW) // 8
        try:
            found = struct.unpack(f"<{size}Q", self._memory.read(raw.sched_sp, 8 * size))
        except (ReadError, struct.error):
            return []
        return list(dict.fromkeys(word for word in found if word > 1 << 12 and not word % 8))

    def _direction(self, address: int, g: int) -> str:
        """READ or WRITE when a pollDesc is at `address`, as it says of itself, and `g` waits for it; else ""."""
        try:
            if self._memory.u64(address + self._self) != address:
                return ""
            waits = [self._memory.u64(address + offset) for offset in (self._rg, self._wg)]
        except ReadError:
            return ""
        return READ if waits[0] == g else WRITE if waits[1] == g else ""

    def _poll(self, address: int, direction: str, words: List[int]) -> Poll:
        fd = self._memory.u64(address + self._fd)
        deadline = self._memory.i64(address + (self._rd if direction == READ else self._wd))
        unknown = Absent(NOT_RECORDED, "its stack leads to no socket of package net")
        found = Poll(address, fd, direction, deadline, "", unknown, unknown)
        for word in words:
            if self._is_file(word, address, fd):
                self._describe(found, word + self._after)
                break
        return found

    def _is_file(self, address: int, desc: int, fd: int) -> bool:
        """Whether an internal/poll.FD with this pollDesc and descriptor is there."""
        try:
            return self._memory.u64(address + self._desc) == desc and self._memory.u64(address + self._sysfd) == fd
        except ReadError:
            return False

    def _describe(self, poll: Poll, after: int) -> None:
        """What comes after the FD: a socket's addresses if it is a net.netFD's, a name if it is an os.file's."""
        try:
            # family, sotype, isConnected; then net
            network = self._text(after + 24)
            if network in _NETWORKS:
                poll.network = network
                poll.local, poll.remote = self._address(after + 40), self._address(after + 56)
                return
            name = self._text(after)
            if name:
                poll.network, poll.name = "file", name
                poll.local = poll.remote = Absent(NOT_RECORDED, "a file has no addresses")
        except (ReadError, GoxrayError):
            return

    def _text(self, header: int) -> str:
        try:
            data, length = self._memory.pointers(header, 2)
            text = self._memory.read(data, length) if 0 < length <= _MAX_TEXT and data else b""
        except ReadError:
            return ""
        found = text.decode("utf-8", "replace")
        return found if found.isprintable() else ""

    def _address(self, interface: int) -> Maybe[str]:
        """A net.Addr: "10.0.0.1:80", or a path."""
        itab, data = self._memory.pointers(interface, 2)
        if not itab or not data:
            return Absent(NOT_RECORDED, "it has none")
        if self._types is None:
            self._types = Types(self._session.modules.all, self._memory, self._session.layout)
        known = self._types.itab(itab)
        name = "" if isinstance(known, Absent) else known.type.name
        if name in ("*net.TCPAddr", "*net.UDPAddr"):
            return self._ip(data, port=True)
        if name == "*net.IPAddr":
            return self._ip(data, port=False)
        if name == "*net.UnixAddr":
            return self._text(data) or Absent(NOT_RECORDED, "it has no path")
        return Absent(NOT_RECORDED, f"of type {name}" if name else "its type is not known")

    def _ip(self, address: int, port: bool) -> Maybe[str]:
        data, length, _ = self._memory.slice_header(address)
        if length not in (0, 4, 16):
            return Absent(NOT_RECORDED, "no IP address is there")
        host = ""
        if length:
            found = ip_address(self._memory.read(data, length))
            mapped = getattr(found, "ipv4_mapped", None)
            host = str(mapped or found)
            host = f"[{host}]" if port and ":" in host else host
        return f"{host}:{self._memory.u64(address + 24)}" if port else host
