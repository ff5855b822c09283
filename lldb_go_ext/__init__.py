"""goxray for LLDB. To be loaded by `command script import`, by name or by path; twice does no harm."""
# Any Python 3 must be able to parse this file and bootstrap.py, so that an old one can be told that it is too old.


def __lldb_init_module(debugger, internal_dict):
    """What `command script import` calls."""
    if not __package__:  # it was given the path of this very file, which is no package by itself
        import os

        debugger.HandleCommand('command script import "' + os.path.dirname(os.path.abspath(__file__)) + '"')
        return
    from . import bootstrap

    bootstrap.load(debugger)


def status():
    """The worst status of all go- commands so far: 0 fine, 1 something was found, 2 could not answer."""
    from .register import STATUS

    return STATUS.worst


def quit(debugger=None):
    """End lldb, with `status()` for its exit status: for scripts and CI."""
    import lldb

    (debugger or lldb.debugger).HandleCommand("quit " + str(status()))
