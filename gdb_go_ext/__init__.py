"""goxray for GDB. To be loaded by `source`, by `gdb -x`, or by `python import gdb_go_ext`; twice does no harm."""
# Any Python 3 must be able to parse this file and bootstrap.py, so that an old one can be told that it is too old.


def _goxray_load():
    import os
    import sys

    try:
        import gdb  # noqa: F401
    except ImportError:
        return  # not in gdb: the parts that need none can be imported and tested
    # A file that is sourced runs as __main__, and then under its real name by its own import: once is enough.
    if __name__ != "__main__" and hasattr(sys.modules["__main__"], "_goxray_load"):
        return
    # Not __file__, which Python leaves at the outer script's when one script sources another.
    parent = os.path.dirname(os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename)))
    sys.path.insert(0, parent)
    try:
        import gdb_go_ext
    finally:
        sys.path.remove(parent)
    import gdb_go_ext.bootstrap

    gdb_go_ext.bootstrap.load()


try:
    _goxray_load()
finally:
    del _goxray_load
