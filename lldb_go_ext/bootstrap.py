"""Loads goxray into lldb, or says in one line why that cannot be done.

This and __init__.py must be parsed by any Python 3 (they are by 2.7): no annotations, no f-strings.
"""

import os
import sys


def load(debugger):
    """Register the commands with `debugger`; a line on stderr if that can't be done, and lldb goes on."""
    trouble = prepare()
    if trouble:
        sys.stderr.write(trouble + "\n")
        return
    from . import register

    register.register_all(debugger)


def prepare():
    """Make shared_core and what it needs ready to be imported; why that cannot be done in one line, or ""."""
    _import_core()
    from shared_core import embedded

    return embedded.trouble("lldb", _recorded())


def _recorded():
    """The directory of packages that `goxray install-lldb` wrote into lldb's start-up file, or ""."""
    import lldb

    return getattr(lldb, "goxray_packages", "")


def _import_core():
    """Import shared_core from beside this package and from nowhere else.

    Afterwards sys.path is as it was: a checkout holds names such as "tests" that other scripts may mean otherwise.
    """
    parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, parent)
    try:
        import shared_core  # noqa: F401
    finally:
        sys.path.remove(parent)
