"""Whether goxray can run in the Python that a debugger has inside, and what to do about it if not.

This and shared_core/__init__.py must be parsed by any Python 3 (they are by 2.7): no annotations, no f-strings.
"""
# ruff: noqa: UP031
# mypy: ignore-errors

import os
import re
import sys

_OLDEST = (3, 9)
_PACKAGES = {"elftools": "pyelftools", "capstone": "capstone", "tabulate": "tabulate"}


def trouble(debugger, recorded=""):
    """Why goxray cannot run here, in one line; "" if it can. sys.path is extended by what it needs.

    debugger: "gdb" or "lldb".  recorded: the directory of packages that was written into its start-up file, or "".
    """
    if sys.version_info[:2] < _OLDEST:
        version = sys.version.split()[0]
        return "goxray needs Python %d.%d or newer in %s, and this %s has Python %s (%s): install a newer %s" % (
            _OLDEST + (debugger, debugger, version, _interpreter(), debugger)
        )
    missing = _find_packages(recorded)
    if missing:
        return "goxray does not find %s in %s's Python %s (%s); run: %s" % (
            " and ".join([", ".join(missing[:-1])] * (len(missing) > 1) + missing[-1:]),
            debugger,
            sys.version.split()[0],
            _interpreter(),
            _remedy(missing),
        )
    return ""


def _parent():
    """The directory that holds shared_core and the adapters: a checkout or a site-packages."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _minor():
    return "%d.%d" % sys.version_info[:2]


def _interpreter():
    """The program of the Python that the debugger has inside; sys.executable is whatever the debugger says it is."""
    base = os.path.join(getattr(sys, "base_prefix", sys.prefix), "bin")
    for name in ("python" + _minor(), "python3", "python"):
        if os.access(os.path.join(base, name), os.X_OK):
            return os.path.join(base, name)
    return "python" + _minor()


def _fits(directory):
    """Whether a directory of packages is not one for another Python: their compiled parts may differ."""
    named = re.findall(r"python(\d+\.\d+)", directory)
    return os.path.isdir(directory) and (not named or named[-1] == _minor())


def _own_packages():
    """Where `pip install --target` puts the dependencies when told to as below."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "goxray", "python" + _minor())


def _places(recorded):
    """Directories of packages to add to sys.path where it does not have what is needed, best first."""
    parent = _parent()
    venv = os.path.join(parent, ".venv", "lib", "python" + _minor(), "site-packages")
    installed = parent if os.path.basename(parent) in ("site-packages", "dist-packages") else ""
    return [place for place in (installed, venv, recorded, _own_packages()) if place and _fits(place)]


def _missing():
    """The dependencies that this Python cannot find, as pip calls them; nothing is imported."""
    from importlib.util import find_spec

    return [package for module, package in sorted(_PACKAGES.items()) if find_spec(module) is None]


def _find_packages(recorded):
    """Extend sys.path, at its end, until the dependencies are found; those that are not."""
    from importlib.machinery import PathFinder

    for place in _places(recorded):
        if not _missing():
            break
        if place not in sys.path and any(PathFinder.find_spec(module, [place]) for module in _PACKAGES):
            sys.path.append(place)
    return _missing()


def _remedy(missing):
    """The command that installs what is missing, for this very Python.

    scripts/setup makes one .venv, for gdb's Python: when there is one already, it is not what is missing.
    """
    setup = os.path.join(_parent(), "scripts", "setup")
    libraries = os.path.join(_parent(), ".venv", "lib")
    others = os.listdir(libraries) if os.path.isdir(libraries) else []
    if os.access(setup, os.X_OK) and not [name for name in others if name != "python" + _minor()]:
        return setup
    command = [_interpreter(), "-m", "pip", "install", "--target", _own_packages()]
    return " ".join(command + missing)
