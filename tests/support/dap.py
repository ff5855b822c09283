"""A small client of the Debug Adapter Protocol, over the standard streams of an adapter such as lldb-dap."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, List, Sequence

from .lldb import environment, lldb
from .paths import FixtureError

TIMEOUT = 60.0
Message = Dict[str, Any]


def lldb_dap() -> str:
    """The adapter that belongs to the lldb that is tested."""
    name = lldb().replace("lldb", "lldb-dap")
    if shutil.which(name) is None:
        raise FixtureError(f"there is no {name}; run scripts/setup --tests")
    return name


class DapClient:
    """A running adapter. `output` is what it had to say to the user; FixtureError where it is silent too long."""

    def __init__(self, command: Sequence[str], home: Path) -> None:
        self._process = subprocess.Popen(
            command, env=environment(str(home)), cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._messages: queue.Queue[Message] = queue.Queue()
        self._number = 0
        self._events: List[Message] = []
        self._responses: Dict[int, Message] = {}
        self.output = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> DapClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            size = 0
            for line in iter(stream.readline, b"\r\n"):
                if not line:
                    self._messages.put({"type": "end"})
                    return
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            self._messages.put(json.loads(stream.read(size)))

    def send(self, command: str, **arguments: Any) -> int:
        """The number of the request."""
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(request).encode()
        stream = self._process.stdin
        assert stream is not None
        stream.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        stream.flush()
        return self._number

    def answer(self, number: int) -> Message:
        """The body of the response to a request; FixtureError where that has failed."""
        while number not in self._responses:
            self._next()
        message = self._responses.pop(number)
        if not message["success"]:
            raise FixtureError(f"{message['command']} failed: {message}; {self.output}")
        return dict(message.get("body") or {})

    def ask(self, command: str, **arguments: Any) -> Message:
        """The body of the response."""
        return self.answer(self.send(command, **arguments))

    def wait_for(self, event: str) -> Message:
        """The body of the first event of that name, which may have come already."""
        while True:
            for seen in self._events:
                if seen["event"] == event:
                    self._events.remove(seen)
                    return dict(seen.get("body") or {})
            self._next()

    def _next(self) -> None:
        try:
            message = self._messages.get(timeout=TIMEOUT)
        except queue.Empty:
            raise FixtureError(f"the adapter has not answered: {self.output}") from None
        if message["type"] == "end":
            raise FixtureError(f"the adapter has ended: {self.output}")
        if message["type"] == "event":
            self._events.append(message)
            if message["event"] == "output":
                self.output += message["body"].get("output", "")
        elif message["type"] == "response":
            self._responses[message["request_seq"]] = message
