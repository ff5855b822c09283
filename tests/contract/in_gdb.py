"""Sourced by gdb after the extension: runs the checks on the selected inferior, a line of JSON at the end."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import gdb

sys.path.insert(0, str(Path(_answer_at).parents[2]))  # type: ignore[name-defined]  # noqa: F821

from gdb_go_ext.target import GdbTarget  # noqa: E402
from tests.contract import checks  # noqa: E402

target = GdbTarget(gdb.selected_inferior())
answers = dict(checks.run(target))
threads = [asdict(thread) for thread in target.threads()]
images = [asdict(image) for image in target.images()]
print(
    "\n"
    + json.dumps({"arch": target.arch, "kind": target.kind, "checks": answers, "threads": threads, "images": images})
)
