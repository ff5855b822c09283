"""What `command script import lldb_go_ext` finds on sys.path (see `goxray install-lldb`): puts the package around this
file in its own place, so that nothing else of the directory that holds the package comes onto sys.path."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

_package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_spec = spec_from_file_location(__name__, os.path.join(_package, "__init__.py"), submodule_search_locations=[_package])
sys.modules[__name__] = module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
