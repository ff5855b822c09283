"""A heap profile by type, which `go tool pprof` opens: profile.proto, gzipped; a type stands where a function would.

Sources: github.com/google/pprof proto/profile.proto; Go 1.27 runtime/pprof/protomem.go (sample types and their order).
"""

from __future__ import annotations

import gzip
from typing import Dict, List, Sequence, Tuple

from .pprof import _bytes, _number, _varint

_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRINGS, _COMMENT, _DEFAULT = 1, 2, 4, 5, 6, 13, 14


def heap_profile(rows: Sequence[Tuple[str, int, int]], comments: Sequence[str]) -> bytes:
    """The file's bytes, of (type, objects, bytes)."""
    strings: Dict[str, int] = {"": 0}

    def string(text: str) -> int:
        return strings.setdefault(text, len(strings))

    pieces: List[bytes] = []
    for what, unit in (("inuse_objects", "count"), ("inuse_space", "bytes")):
        pieces.append(_bytes(_SAMPLE_TYPE, _number(1, string(what)) + _number(2, string(unit))))
    for number, (name, objects, size) in enumerate(rows, 1):
        sample = _bytes(1, _varint(number)) + _bytes(2, _varint(objects) + _varint(size))
        pieces.append(_bytes(_SAMPLE, sample))
        pieces.append(_bytes(_LOCATION, _number(1, number) + _bytes(4, _number(1, number))))
        pieces.append(_bytes(_FUNCTION, _number(1, number) + _number(2, string(name)) + _number(3, string(name))))
    pieces += [_number(_COMMENT, string(comment)) for comment in comments]
    pieces.append(_number(_DEFAULT, string("inuse_space")))
    pieces += [_bytes(_STRINGS, text.encode("utf-8", "surrogateescape")) for text in strings]
    return gzip.compress(b"".join(pieces), 6, mtime=0)
