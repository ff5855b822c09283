"""Loads goxray into gdb, or says in one line why that cannot be done.

This and __init__.py must be parsed by any Python 3 (they are by 2.7): no annotations, no f-strings.
"""

import os
import sys

import gdb


def load():
    """Register the commands, once; a line on stderr if that can't be done, and gdb goes on."""
    _import_core()
    from shared_core import embedded

    trouble = embedded.trouble("gdb", _recorded())
    if trouble:
        gdb.write(trouble + "\n", gdb.STDERR)
        return
    import gdb_go_ext.register

    gdb_go_ext.register.register_all()


def _recorded():
    """The directory of packages that `goxray install-gdb` wrote into gdb's start-up file, or ""."""
    try:
        return gdb.convenience_variable("_goxray_packages").string()
    except (AttributeError, gdb.error):
        return ""


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
