"""Channels, locks and descriptors with their queues, as parts of documents."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Sequence, Tuple

from ..analysis.holders import Holder
from ..analysis.things import LockWait, Wait
from ..commands.waits import WaitList
from ..runtime.channels import Channel
from ..runtime.locks import Lock
from ..runtime.netpoll import Poll


def goids(body: WaitList, queue: Iterable[int]) -> List[int]:
    """The ids of goroutines by their addresses; 0 for what is none."""
    return [body.ids.get(g, 0) for g in queue]


def channel_document(body: WaitList, channel: Channel) -> Dict[str, Any]:
    """A channel with both queues."""
    return {
        "address": hex(channel.address),
        "elem": channel.elem,
        "len": channel.length,
        "cap": channel.capacity,
        "closed": channel.closed,
        "receivers": goids(body, channel.receivers),
        "senders": goids(body, channel.senders),
        "problem": "; ".join(channel.problems) or None,
    }


def lock_documents(body: WaitList, waits: Iterable[Wait]) -> List[Dict[str, Any]]:
    """The locks that these wait for, each once, with all that wait."""
    found: Dict[Tuple[int, str], Dict[str, Any]] = {}
    for wait in waits:
        if isinstance(wait.thing, LockWait):
            lock = wait.thing.lock
            key = (lock.semaphore, lock.wants)
            if key not in found:
                found[key] = _lock_document(body, lock, wait.thing.queue)
    return list(found.values())


def _lock_document(body: WaitList, lock: Lock, queue: Sequence[int]) -> Dict[str, Any]:
    holder = body.holders.get(lock.semaphore, Holder([], ""))
    return {
        "kind": lock.kind,
        "address": hex(lock.address),
        "semaphore": hex(lock.semaphore),
        "locked": lock.locked,
        "counter": lock.counter,
        "readers": lock.readers,
        "writer": lock.writer,
        "writer_next": lock.writer_next,
        "waiters": goids(body, queue),
        "holders_inferred": holder.ids,
        "holders_why": holder.why or None,
    }


def poll_document(poll: Poll) -> Dict[str, Any]:
    """A descriptor of the network poller."""
    return {
        "kind": "network poll",
        "fd": poll.fd,
        "direction": poll.direction,
        "network": poll.network or None,
        "local": poll.local,
        "remote": poll.remote,
        "name": poll.name or None,
    }
