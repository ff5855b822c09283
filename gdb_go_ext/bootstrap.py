"""Whether goxray can run in the Python that gdb has inside, and what to do about it if not.

This and __init__.py must be parsed by any Python 3 (they are by 2.7): no annotations, no f-strings.
"""
# ruff: noqa: UP031

import os
import re
import sys

import gdb

_OLDEST = (3, 9)
_PACKAGES = {"elftools": "pyelftools", "capstone": "capstone", "tabulate": "tabulate"}


def _parent():
    """The directory that holds gdb_go_ext and shared_core: a checkout or a site-packages."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _minor():
    return "%d.%d" % sys.version_info[:2]


def _interpreter():
    """The program of the Python that gdb has inside; sys.executable is whatever gdb says it is."""
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


def _recorded():
    """The directory of packages that `goxray install-gdb` wrote into gdb's start-up file, or ""."""
    try:
        return gdb.convenience_variable("_goxray_packages").string()
    except (AttributeError, gdb.error):
        return ""


def _places():
    """Directories of packages to add to sys.path where it does not have what is needed, best first."""
    parent = _parent()
    venv = os.path.join(parent, ".venv", "lib", "python" + _minor(), "site-packages")
    installed = parent if os.path.basename(parent) in ("site-packages", "dist-packages") else ""
    return [place for place in (installed, venv, _recorded(), _own_packages()) if place and _fits(place)]


def _missing():
    """The dependencies that this Python cannot find, as pip calls them; nothing is imported."""
    from importlib.util import find_spec

    return [package for module, package in sorted(_PACKAGES.items()) if find_spec(module) is None]


def _find_packages():
    """Extend sys.path, at its end, until the dependencies are found; those that are not."""
    from importlib.machinery import PathFinder

    for place in _places():
        if not _missing():
            break
        if place not in sys.path and any(PathFinder.find_spec(module, [place]) for module in _PACKAGES):
            sys.path.append(place)
    return _missing()


def _remedy(missing):
    """The command that installs what is missing, for this very Python."""
    setup = os.path.join(_parent(), "scripts", "setup")
    if os.access(setup, os.X_OK):
        return setup
    command = [_interpreter(), "-m", "pip", "install", "--target", _own_packages()]
    return " ".join(command + missing)


def _trouble():
    """Why goxray cannot run here, in one line; "" if it can."""
    if sys.version_info[:2] < _OLDEST:
        return "goxray needs Python %d.%d or newer in gdb, and this gdb has Python %s (%s): install a newer gdb" % (
            _OLDEST + (sys.version.split()[0], _interpreter())
        )
    missing = _find_packages()
    if missing:
        return "goxray does not find %s in gdb's Python %s (%s); run: %s" % (
            " and ".join([", ".join(missing[:-1])] * (len(missing) > 1) + missing[-1:]),
            sys.version.split()[0],
            _interpreter(),
            _remedy(missing),
        )
    return ""


def load():
    """Register the commands, once; a line on stderr if that can't be done, and gdb goes on."""
    trouble = _trouble()
    if trouble:
        gdb.write(trouble + "\n", gdb.STDERR)
        return
    _import_core()
    import gdb_go_ext.register

    gdb_go_ext.register.register_all()


def _import_core():
    """Import shared_core from beside this package and from nowhere else.

    Afterwards sys.path is as it was: a checkout holds names such as "tests" that other scripts may mean otherwise.
    """
    sys.path.insert(0, _parent())
    try:
        import shared_core  # noqa: F401
    finally:
        sys.path.remove(_parent())
