"""Build info: the Go version, the main module and the build settings that every Go program records.

Sources: Go 1.27 debug/buildinfo/buildinfo.go (both encodings), runtime/debug/mod.go (the text form).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from ..errors import FormatError, ReadError
from .image import LoadedImage
from .pcvalue import varint

MAGIC = b"\xff Go buildinf:"
_ALIGN = 16
_HEADER = 32
_INLINE = 2
_BIG_ENDIAN = 1
_MAX_TEXT = 1 << 20
_GUARD = 16  # the module text stands between two 16-byte marks
_VERSION = re.compile(r"^(go1\.\d+|devel )[ -~]*$")


@dataclass(frozen=True)
class ModuleVersion:
    path: str
    version: str
    sum: str = ""


@dataclass(frozen=True)
class BuildInfo:
    """`go version -m` of a program. `settings` are the build settings ("-ldflags", "GOARCH", "vcs.revision", ...)."""

    go_version: str
    path: str = ""
    main: Optional[ModuleVersion] = None
    dependencies: List[ModuleVersion] = field(default_factory=list)
    settings: Dict[str, str] = field(default_factory=dict)


def read_build_info(image: LoadedImage) -> Optional[BuildInfo]:
    """The image's build info; None when it has none that makes sense."""
    for address in _places(image):
        try:
            info = _parse(image, address)
        except (FormatError, ReadError, struct.error):
            continue
        if _VERSION.match(info.go_version):
            return info
    return None


def _places(image: LoadedImage) -> Iterator[int]:
    section = image.elf.sections().get(".go.buildinfo")
    if section is not None:
        yield section.address + image.bias
    pattern = re.compile(re.escape(MAGIC))
    yield from (address for address, _ in image.search_file(pattern, align=_ALIGN))  # which costs nothing, over a wire
    yield from (address for address, _ in image.search(pattern, True, False, align=_ALIGN))


def _parse(image: LoadedImage, address: int) -> BuildInfo:
    header = bytes(image.data(address, _HEADER))
    if not header.startswith(MAGIC):
        raise FormatError("no build info magic")
    if header[15] & _INLINE:
        version, at = _inline(image, address + _HEADER)
        text, _ = _inline(image, at)
    elif header[14] != 8 or header[15] & _BIG_ENDIAN:
        raise FormatError("build info of another architecture")
    else:
        # Up to Go 1.17: pointers to two Go strings.
        version, text = (_indirect(image, pointer) for pointer in struct.unpack_from("<QQ", header, 16))
    return _with_modules(version.decode("utf-8", "replace"), text)


def _inline(image: LoadedImage, address: int) -> Tuple[bytes, int]:
    """(string, address behind it): a varint length, then the bytes. Go 1.18 and later."""
    size, used = varint(bytes(image.data(address, 5)), 0)
    if size > _MAX_TEXT:
        raise FormatError("a build info string over 1 MiB")
    return bytes(image.data(address + used, size)), address + used + size


def _indirect(image: LoadedImage, header: int) -> bytes:
    pointer, size = struct.unpack("<QQ", image.data(header, 16))
    if size > _MAX_TEXT:
        raise FormatError("a build info string over 1 MiB")
    return bytes(image.constant(pointer, size)) if size else b""


def _with_modules(version: str, text: bytes) -> BuildInfo:
    if len(text) > 2 * _GUARD and text[-_GUARD - 1 : -_GUARD] == b"\n":
        text = text[_GUARD:-_GUARD]
    path, main, dependencies, settings = "", None, [], {}
    for line in text.decode("utf-8", "replace").splitlines():
        kind, _, rest = line.partition("\t")
        parts = rest.split("\t")
        if kind == "path":
            path = rest
        elif kind in ("mod", "dep") and len(parts) >= 2:
            module = ModuleVersion(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
            main = module if kind == "mod" else main
            dependencies += [module] if kind == "dep" else []
        elif kind == "build":
            key, _, value = rest.partition("=")
            settings[key] = value
    return BuildInfo(version, path, main, dependencies, settings)
