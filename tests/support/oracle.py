"""What the Go toolchain says about an unstripped program: symbols and lines."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from .build import Built
from .paths import FixtureError


@dataclass(frozen=True)
class Symbol:
    """A line of `go tool nm -size`: `kind` is its letter (T and t are code)."""

    address: int
    size: int
    kind: str
    name: str


def nm(built: Built) -> List[Symbol]:
    """All symbols of the unstripped twin, by address."""
    found = []
    for line in _tool(built, ["nm", "-size", "-sort", "address", str(built.twin)]).splitlines():
        # "  401000        240 T internal/abi.(*Type).Kind"; undefined symbols (U) have no address
        fields = line.split(None, 3)
        if len(fields) == 4 and fields[2] != "U":
            found.append(Symbol(int(fields[0], 16), int(fields[1]), fields[2], fields[3]))
    return found


def text_symbols(built: Built) -> List[Symbol]:
    """The code symbols of the twin, without those that mark a place and have no size."""
    return [symbol for symbol in nm(built) if symbol.kind in "Tt" and symbol.size]


def addr2line(built: Built, addresses: Sequence[int]) -> Dict[int, Tuple[str, str, int]]:
    """address -> (function, file, line) as `go tool addr2line` prints them; ("?", "?", 0) where it knows none."""
    text = "".join(f"{address:#x}\n" for address in addresses)
    lines = _tool(built, ["addr2line", str(built.twin)], text).splitlines()
    if len(lines) != 2 * len(addresses):
        raise FixtureError(f"go tool addr2line answered {len(lines)} lines for {len(addresses)} addresses")
    return {address: _place(*lines[2 * i : 2 * i + 2]) for i, address in enumerate(addresses)}


def _place(function: str, position: str) -> Tuple[str, str, int]:
    file, _, line = position.rpartition(":")
    return (function, file, int(line)) if file else ("?", "?", 0)


def _tool(built: Built, arguments: Sequence[str], text: str = "") -> str:
    chain = built.toolchain
    # Go 1.25 ships some tools as source only and builds them when asked: it needs the host's own GOARCH.
    done = subprocess.run(
        [str(chain.go), "tool", *arguments], input=text, env=chain.environment("amd64"), capture_output=True, text=True
    )
    if done.returncode:
        raise FixtureError(f"go {chain.version} tool {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
