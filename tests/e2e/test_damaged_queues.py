"""go-waits and go-leaks over queues that loop, are cut, or lead anywhere: they end, and say why."""

from __future__ import annotations

import json
import struct
from typing import Any, Dict, List

import pytest

from shared_core.analysis.things import ChannelWait, CondWait, LockWait
from shared_core.analysis.waits import Waits
from shared_core.commands.runner import execute
from shared_core.errors import ReadError
from shared_core.runtime.channels import Channel
from shared_core.session import Session
from shared_core.target import Mapping, Thread
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, take_core

WILD = 0x7F00DEADBEE8


class Damaged:
    """A core whose words at some addresses are others."""

    def __init__(self, core: Core, words: Dict[int, int]) -> None:
        self._core = CoreTarget(str(core.exe), str(core.core))
        self._words = words
        self.arch, self.kind, self.remarks = self._core.arch, self._core.kind, ()
        self.pointer_size, self.byte_order = self._core.pointer_size, self._core.byte_order

    def read(self, address: int, size: int) -> bytes:
        data = bytearray(self._core.read(address, size))
        for place, word in self._words.items():
            if address <= place and place + 8 <= address + size:
                data[place - address : place - address + 8] = struct.pack("<Q", word)
        return bytes(data)

    def mappings(self) -> List[Mapping]:
        return self._core.mappings()

    def images(self) -> Any:
        return self._core.images()

    def threads(self) -> List[Thread]:
        return self._core.threads()

    def monotonic_time(self) -> None:
        return None


def waits_core(version: str) -> Core:
    return take_core(build("waits", version, "amd64"), abort_at="ready")


def ask(core: Core, words: Dict[int, int], command: str) -> Dict[str, Any]:
    text, _ = execute(lambda: Session(Damaged(core, words)), command, "--json")
    found: Dict[str, Any] = json.loads(text)
    assert "error" not in found, found
    return found


@pytest.mark.parametrize("version", [matrix.newest(), "1.23", matrix.oldest()])
def test_damaged_queues(version: str) -> None:
    core = waits_core(version)
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    waits = Waits(session)
    sudog, hchan = session.layout.struct("runtime.sudog"), session.layout.struct("runtime.hchan")
    after, link = sudog.offset("next"), sudog.offset("waitlink")
    places: Dict[str, int] = {}
    for wait in waits.all():
        thing, waiting = wait.thing, wait.goroutine.raw.waiting
        if isinstance(thing, ChannelWait) and isinstance(thing.cases[0].channel, Channel):
            channel = thing.cases[0].channel
            if len(channel.receivers) > 2 and not thing.select:
                places["channel"], places["first"] = channel.address, session.memory.u64(
                    channel.address + hchan.offset("recvq.first")
                )  # fmt: skip
            if thing.select:
                places["select"] = waiting
        if isinstance(thing, LockWait) and len(thing.queue) == 2:
            places["lock"] = min(waits.semaphores.sudogs)
        if isinstance(thing, CondWait):
            places["cond"] = thing.address
    damages = [
        {places["first"] + after: places["first"]},
        {places["first"] + after: WILD},
        {places["channel"] + hchan.offset("recvq.first"): WILD},
        {places["channel"] + hchan.offset("dataqsiz"): 1 << 60},
        {places["select"] + link: places["select"]},
        {places["select"] + link: WILD},
        *({each + link: each} for each in sorted(waits.semaphores.sudogs)[:4]),
        *({each + after: each} for each in sorted(waits.semaphores.sudogs)[:4]),
        *({each + after: WILD} for each in sorted(waits.semaphores.sudogs)[:4]),
        {places["cond"] + session.layout.struct("sync.Cond").offset("notify") + 16: WILD},
    ]
    whole = ask(core, {}, "go-waits")
    for damage in damages:
        for command in ("go-waits", "go-leaks"):
            found = ask(core, damage, command)
            assert found["total"] == whole["total"]
    looped = ask(core, damages[0], "go-waits")
    (channel_document,) = (each for each in looped["channels"] if each["address"] == hex(places["channel"]))
    assert "loops" in channel_document["problem"] and any("loops" in warning for warning in looped["warnings"])
    assert len(looped["goroutines"]) == len(whole["goroutines"])


def test_unreadable_memory_is_no_evidence() -> None:
    """A heap that cannot be looked through: nothing is claimed from it, and the answer says so."""
    core = take_core(build("leaks", matrix.newest(), "amd64"), abort_at="ready")

    class Cut(Damaged):
        def read(self, address: int, size: int) -> bytes:
            if self.low <= address < self.low + 0x2000 or address < self.low < address + size:
                raise ReadError(address, size)
            return super().read(address, size)

        low = 0

    session = Session(CoreTarget(str(core.exe), str(core.core)))
    module = session.modules.all[0]
    Cut.low = module.fields["bss"] & -0x1000
    text, _ = execute(lambda: Session(Cut(core, {})), "go-leaks", "--json")
    found = json.loads(text)
    kinds = {each["kind"] for group in found.get("groups", ()) for each in group["evidence"]}
    assert "unreachable" not in kinds and (found.get("error") or any("cannot read" in w for w in found["warnings"]))
