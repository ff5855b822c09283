"""What `target.process.python-os-plugin-path` is set to, so that lldb shows goroutines among its threads.

lldb puts the directory of this file onto sys.path and imports it by its name: nothing else may be here. It must be
parsed by any Python 3 (it is by 2.7): no annotations, no f-strings.
"""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location


def _package():
    """The package around this file, which may not have been imported; None where goxray cannot run."""
    if "lldb_go_ext" not in sys.modules:
        place = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        start = os.path.join(place, "__init__.py")
        spec = spec_from_file_location("lldb_go_ext", start, submodule_search_locations=[place])
        sys.modules["lldb_go_ext"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["lldb_go_ext"])
    from lldb_go_ext import bootstrap

    trouble = bootstrap.prepare()
    if trouble:
        sys.stderr.write(trouble + "\n")
        return None
    return sys.modules["lldb_go_ext"]


class OperatingSystemPlugIn:
    """lldb makes one for each process, and asks it at each stop."""

    def __init__(self, process, *_):
        self._goroutines = None
        if _package() is not None:
            from lldb_go_ext import goroutines

            self._goroutines = goroutines.begin(process)

    def get_thread_info(self):
        return self._goroutines.threads() if self._goroutines else []

    def create_thread(self, tid, _context):
        return self._goroutines.thread(tid) if self._goroutines else None

    def get_register_info(self):
        return self._goroutines.register_info() if self._goroutines else None

    def get_register_data(self, tid):
        return self._goroutines.register_data(tid) if self._goroutines else b""
