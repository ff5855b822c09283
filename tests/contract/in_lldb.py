"""Imported by lldb after the extension: runs the checks on the selected target, a line of JSON at the end."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lldb_go_ext.target import LldbTarget  # noqa: E402
from tests.contract import checks  # noqa: E402


def __lldb_init_module(debugger: Any, _session: Any) -> None:
    target = LldbTarget(debugger.GetSelectedTarget())
    answers = dict(checks.run(target))
    found = {
        "threads": [asdict(each) for each in target.threads()],
        "images": [asdict(each) for each in target.images()],
    }
    print("\n" + json.dumps({"arch": target.arch, "kind": target.kind, "checks": answers, **found}))
