"""Go version strings as binaries carry them."""

from __future__ import annotations

import re
from typing import Optional, Tuple

_VERSION = re.compile(r"(?:^|\s)go(\d{1,4})\.(\d{1,4})")

Minor = Tuple[int, int]


def parse_minor(text: str) -> Optional[Minor]:
    """(1, 27) from "go1.27.3", "go1.22rc1", "go1.24-20250101-RC00 cl/…", "devel go1.28-abcdef Tue …",
    "go1.21.0 X:boringcrypto"; None where no version can be read ("devel +abcdef")."""
    match = _VERSION.search(text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def minor_text(minor: Minor) -> str:
    """(1, 27) as layouts spell it: "1.27"."""
    return f"{minor[0]}.{minor[1]}"
