"""Layout documents as files: where they are, how they are written and read."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from typing import Any, Dict, Iterator, Mapping, Tuple

from ..errors import FormatError
from .version import Minor

SCHEMA = "goxray.layout/1"
MAX_BYTES = 4 << 20
_NAME = re.compile(r"go(\d+)\.(\d+)-(\w+)\.json")

Document = Dict[str, Any]


def shipped_directory() -> str:
    """Where the layouts that come with the package are."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def user_directory() -> str:
    """Where `goxray layout` writes, unless told otherwise: ${XDG_DATA_HOME:-~/.local/share}/goxray/layouts."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "goxray", "layouts")


def file_name(go: str, arch: str) -> str:
    """The name of the file for Go minor version `go` ("1.27") on `arch`."""
    return f"go{go}-{arch}.json"


def available(directory: str, arch: str) -> Dict[Minor, str]:
    """Go minor version -> path of every layout for `arch` in `directory`; empty if there is no such directory."""
    found: Dict[Minor, str] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            match = _NAME.fullmatch(name)
            if match and match.group(3) == arch:
                found[int(match.group(1)), int(match.group(2))] = os.path.join(directory, name)
    return found


def read_document(path: str) -> Document:
    """The document in the file at `path`; FormatError says what is wrong with it."""
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
        document = json.loads(text) if len(text) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise FormatError(f"{path} is no {SCHEMA} document")
    return document


def write_document(document: Mapping[str, Any], directory: str) -> str:
    """Write `document` into `directory` (made if need be) under its own name, in one step; the path."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, file_name(document["go"], document["arch"]))
    handle, temporary = tempfile.mkstemp(prefix=".layout-", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(to_text(document))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return path


def to_text(document: Mapping[str, Any]) -> str:
    """JSON with one structure, enum or global per line: small, and a change of one shows as one line of a diff."""
    return "{\n" + ",\n".join(_members(document)) + "\n}\n"


_TABLES = ("structs", "enums", "globals")


def _members(document: Mapping[str, Any]) -> Iterator[str]:
    for key in ("schema", "go", "arch", "provenance", "constants"):
        if key in document:
            yield f"{json.dumps(key)}: {_compact(document[key])}"
    for key in _TABLES:
        rows = (f"{json.dumps(name)}: {_compact(_ordered(entry))}" for name, entry in sorted(document[key].items()))
        yield f"{json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n}"


def _ordered(entry: Any) -> Any:
    """Enums by number; structures and anchors come in their own order."""
    if isinstance(entry, dict) and all(_is_number(key) for key in entry):
        return {str(key): entry[key] for key in sorted(entry, key=int)}
    return entry


def _is_number(key: object) -> bool:
    return isinstance(key, int) or (isinstance(key, str) and key.lstrip("-").isdigit())


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def same_but_provenance(one: Mapping[str, Any], other: Mapping[str, Any]) -> Tuple[str, ...]:
    """The names of the parts in which two documents differ, who made them and when left aside."""
    parts = []
    for key in sorted(set(one) | set(other)):
        if key != "provenance" and json.loads(_compact(one.get(key))) != json.loads(_compact(other.get(key))):
            parts.append(key)
    return tuple(parts)
