"""Type descriptors: what the linker left of each Go type that the program may convert to an interface.

`Types` reads those of a program: by address, by name, all of them; a `Type` decodes its parts when asked.
"""

from .descriptor import Type, kind_word
from .itabs import Itab
from .maps import MapLayout
from .parts import Field, InterfaceMethod, Method, Signature
from .program import Types

__all__ = ["Field", "InterfaceMethod", "Itab", "MapLayout", "Method", "Signature", "Type", "Types", "kind_word"]
