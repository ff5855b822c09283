"""Running a Go toolchain: its version, its sources, builds of the probe programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Dict, List, Mapping, Sequence

from ..errors import UserError

_TIMEOUT = 900.0


class Toolchain:
    """The Go toolchain whose `go` command (or GOROOT) is at `path`, or in PATH. UserError where it does not run."""

    def __init__(self, path: str) -> None:
        inner = os.path.join(path, "bin", "go")
        self.go = inner if os.path.isfile(inner) else shutil.which(path) or path
        self.go = os.path.abspath(self.go)
        answers = self._run(["env", "GOVERSION", "GOROOT"], os.getcwd(), {}).splitlines()
        if len(answers) != 2 or not answers[0]:
            raise UserError(f"{self.go} does not tell its version: it is older than Go 1.16")
        self.version = answers[0]
        self.source = os.path.join(answers[1], "src")

    def build(self, directory: str, output: str, arch: str, flags: Sequence[str], settings: Mapping[str, str]) -> None:
        """`go build` of the module in `directory` for linux/`arch`; UserError with the compiler's words on failure."""
        environment = {"GOOS": "linux", "GOARCH": arch, **settings}
        self._run(["build", *flags, "-o", output, "."], directory, environment)

    def list_std(self, template: str, arch: str, directory: str) -> str:
        """`go list -f template std` for linux/`arch`, with the packages' cgo variants."""
        return self._run(
            ["list", "-f", template, "std"], directory, {"GOOS": "linux", "GOARCH": arch, "CGO_ENABLED": "1"}
        )

    def _run(self, arguments: List[str], directory: str, settings: Mapping[str, str]) -> str:
        command = [self.go, *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                env=_environment(settings),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"{self.go} does not run: {error}") from None
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            raise UserError(f"{' '.join(command)}: {last[0]}")
        return done.stdout


def _environment(settings: Mapping[str, str]) -> Dict[str, str]:
    """The caller's environment without its Go settings (caches apart), so that builds are the same everywhere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GO") or k in ("GOCACHE", "GOPATH", "GOTMPDIR")}
    fixed = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "-mod=mod", "GOWORK": "off", "CGO_ENABLED": "0"}
    return {**kept, **fixed, **settings}
