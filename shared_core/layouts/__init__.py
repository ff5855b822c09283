"""Layouts: offsets and numbers of the Go runtime per version, where they come from, and what they lead to."""

from __future__ import annotations

from typing import List, Optional

from ..arch import ARCH_NAMES
from .globals import Globals
from .model import Anchor, Field, Layout, Struct
from .resolve import Resolution, resolve


def cli_generate(go_path: str, arches: List[str], out: Optional[str]) -> List[str]:
    """Make layouts for the toolchain whose `go` command is at `go_path`, one per architecture ([]: all); their paths.

    out: directory to write to; None for the user's own, where `resolve` finds them.
    UserError or LayoutError in one line where the toolchain cannot be measured.
    """
    from .generate import generate_files  # here, since a debugger session never needs it

    return generate_files(go_path, arches or ARCH_NAMES, out)


__all__ = ["Anchor", "Field", "Globals", "Layout", "Resolution", "Struct", "cli_generate", "resolve"]
