"""The Go toolchains of scripts/versions: where each is, and the environment it is run with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

from .paths import ROOT, FixtureError, cache_root

ARM64_CC = "aarch64-linux-gnu-gcc"
ARM64_LIBC = "/usr/aarch64-linux-gnu"  # where libc6-dev-arm64-cross puts ld.so and libc, for qemu's -L


@dataclass(frozen=True)
class Toolchain:
    """`minor` is "1.27", `version` "1.27.3", `root` the GOROOT."""

    minor: str
    version: str
    root: Path

    @property
    def go(self) -> Path:
        """bin/go; FixtureError if set-up has not installed it."""
        found = self.root / "bin" / "go"
        if not found.exists():
            raise FixtureError(f"Go {self.version} is not at {self.root}: run scripts/setup --go {self.minor}")
        return found

    def environment(self, arch: str, cgo: bool = False) -> Dict[str, str]:
        """The environment for building for `arch`, with nothing of the user's own Go settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GO", "CGO_"))}
        cache = cache_root()
        kept.update(
            GOROOT=str(self.root),
            GOTOOLCHAIN="local",
            GOFLAGS="-mod=mod",
            GOENV="off",
            GOPROXY="off",
            GOOS="linux",
            GOARCH=arch,
            GOPATH=str(cache / "gopath"),
            GOCACHE=str(cache / "go-build"),
            CGO_ENABLED="1" if cgo else "0",
        )
        if cgo and arch == "arm64":
            kept["CC"] = ARM64_CC
        return kept


def toolchains() -> List[Toolchain]:
    """All of scripts/versions, newest first."""
    lines = (ROOT / "scripts" / "versions").read_text().splitlines()
    return [_toolchain(*line.split()) for line in lines if line.strip() and not line.startswith("#")]


def toolchain(name: str) -> Toolchain:
    """The toolchain of a minor ("1.27") or full version; FixtureError if scripts/versions has no such."""
    for each in toolchains():
        if name in (each.minor, each.version):
            return each
    raise FixtureError(f"Go {name} is not in scripts/versions")


def _toolchain(minor: str, version: str, source: str) -> Toolchain:
    if source.startswith("apt:"):
        return Toolchain(minor, version, Path(source.rsplit(":", 1)[1]))
    return Toolchain(minor, version, cache_root() / "toolchains" / version / "go")
