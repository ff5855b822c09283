"""The garbage-collected heap: spans, objects, which of their words are pointers, who refers to whom, and their types.

`heap_of` gives the Heap of a stopped program: one object is found without looking at the others. A SpanTable is all of
it; Graph and Spread go over every object.
"""

from .heap import Heap, heap_of
from .objects import HeapObject
from .span import Span

__all__ = ["Heap", "HeapObject", "Span", "heap_of"]
