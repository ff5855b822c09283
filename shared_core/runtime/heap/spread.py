"""Types of objects: from what the allocator recorded, and from there along typed pointers.

A pointer to the start of an object makes it one of its type only when the object is of the size class that the
type would get, and has pointers in the very words where the type has them; so a type is never given to the wrong object
by a stale or a damaged word alone, and what does not fit stays unknown.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from ...binary.types import Type
from ...errors import Absent
from ..clock import processors
from .containers import CONTAINERS, Containers
from .kinds import ARRAY, BYTES, CLOSURE, FUNC, IFACE, MAP, PLAIN, POINTER, SLICE, STRING, Kind, Kinds, Step
from .span import WORD
from .table import SpanTable, numbers

if TYPE_CHECKING:
    from .rootset import Roots

Progress = Callable[[int, int], None]
RECORDED, POINTED, HELD, RUNTIME, SHAPED = 1, 2, 3, 4, 5  # how a type is known
HOW = {
    RECORDED: "recorded by the allocator",
    POINTED: "by a typed pointer to it",
    HELD: "by an interface that holds it",
    RUNTIME: "by the runtime's own lists",
    SHAPED: "by what it begins with",
}
_TINY = 16  # objects of less, without pointers, share a block
_MAX_CHANNEL = 1 << 10  # bytes of a channel with its elements that is looked for


class Spread:
    """kinds.all[kind_of[slot]] is what a slot holds, 0 where that is not known; how[slot]: by what.

    Nothing is looked for in objects of which it is not known what they are, but interfaces: a descriptor or an itab
    before a word that is a pointer.
    """

    def __init__(self, table: SpanTable) -> None:
        self.table = table
        self.kinds = Kinds(table.heap.types)
        self.kind_of: array[int] = numbers(table.total, 0, "I")
        self.how = bytearray(table.total)
        self._fits: Dict[int, Dict[int, Tuple[bytes, bytes]]] = {}  # by kind and span
        self._masks: Dict[int, bytes] = {}
        self._todo: Dict[int, List[int]] = {}
        self._strings: List[int] = []
        self._itabs: Dict[int, int] = {}
        self._dynamic: Dict[Tuple[int, bool], Optional[Tuple[Type, bool]]] = {}
        sizes = sorted({span.size for span in table.spans if not span.large} | set(_sizes(table)))
        self._smaller = {size: before for before, size in zip([0, *sizes], sizes)}
        self._headers = [table.heap.bits.header_of(span) for span in table.spans]
        self._sections = [(each.start, each.end) for each in table.heap.types.sections]
        self._containers = Containers(table, self.kinds)
        self._channel = self.kinds.channel()
        modules = table.heap.session.modules.all
        self._text = min(module.minpc for module in modules), max(module.maxpc for module in modules)

    def everywhere(self, roots: Roots, progress: Progress) -> None:
        """Find out about all objects."""
        progress(0, 4)
        self._recorded(range(len(self.table.spans)))
        self._runtimes()
        progress(1, 4)
        self._drain()
        progress(2, 4)
        for _, words, mask in roots.variables():
            self._interfaces(words, mask)
        self._drain()
        progress(3, 4)
        self._unknown_ones()

    def along(self, slots: Sequence[int], before: int = 0) -> None:
        """Find out about objects each of which refers to the next, and nothing about others but those that they refer
        to. before: the word in front of the one that refers to the first, 0 where there is none."""
        table = self.table
        if before and slots:
            self._perhaps_held(before, table.base(slots[0]) + self._headers[table.span_of(slots[0])])
        for slot in slots:
            i = table.span_of(slot)
            number = slot - table.firsts[i]
            if not self.how[slot]:
                self._recorded((i,), number)
            self._todo.clear()
            view = table.views[i]
            if not self.how[slot] and view is not None:
                self._begins(i, view, number)
                self._todo.clear()
            if self.how[slot]:
                self._expand(self.kind_of[slot], [table.base(slot) + self._headers[i]])
            elif view is not None and not table.spans[i].noscan:
                width = table.sizes[i] // WORD
                piece = slice(number * width, (number + 1) * width)
                self._interfaces(view[piece], self._mask(i)[piece])
        self._todo.clear()

    def name(self, slot: int) -> str:
        """What the object is, "" where that is not known."""
        return self.kinds.all[self.kind_of[slot]].name

    def share(self) -> Tuple[int, int, int, int]:
        """(typed objects, typed bytes, objects, bytes), of those that are allocated."""
        typed = typed_bytes = objects = size = 0
        table = self.table
        for i, first in enumerate(table.firsts):
            live = table.allocated[first : first + table.counts[i]]
            count = live.count(1)
            objects += count
            size += count * table.sizes[i]
            known = self.how[first : first + table.counts[i]]
            some = table.counts[i] - known.count(0)
            typed += some
            typed_bytes += some * table.sizes[i]
        return typed, typed_bytes, objects, size

    def _give(self, slot: int, kind: int, how: int, start: int) -> None:
        self.kind_of[slot] = kind
        self.how[slot] = how
        self._todo.setdefault(kind, []).append(start)

    def _recorded(self, indexes: Iterable[int], only: int = -1) -> None:
        """Objects with their type in front of them, and large ones: of one value or, if more fit, of an array.

        Of these spans; `only` the object of this number."""
        table, types = self.table, self.table.heap.types
        for i in indexes:
            span, header = table.spans[i], self._headers[i]
            view = table.views[i] if header or span.large_type else None
            if view is None or span.chunk:
                continue
            words = view[:: span.size // WORD].tolist() if header else [span.large_type]
            first = table.firsts[i]
            for number, address in enumerate(words):
                if only not in (-1, number) or not table.allocated[first + number]:
                    continue
                found = types.at(address)
                if isinstance(found, Absent) or not found.size:
                    continue
                form = ARRAY if 2 * found.size <= span.size - header else PLAIN
                kind = self.kinds.of(found, form)
                if kind:
                    self._give(first + number, kind, RECORDED, span.base(number) + header)

    def _runtimes(self) -> None:
        """Goroutines, Ms and Ps, by the runtime's own lists."""
        session = self.table.heap.session
        lists: List[Tuple[str, Iterable[int]]] = [
            ("runtime.g", [g.address for g in session.world.goroutines]),
            ("runtime.m", [m.address for m in session.world.machines]),
            ("runtime.p", processors(session)),
        ]
        for name, addresses in lists:
            found = self.kinds.types.find(name)
            kind = self.kinds.of(found[0]) if found else 0
            for address in addresses:
                if kind:
                    self._try((address,), kind, RUNTIME)

    def _try(self, words: Iterable[int], kind: int, how: int) -> None:
        """Give the objects that begin at these addresses this kind, where they can be of it."""
        table = self.table
        page_of, shift, starts, sizes, counts = table.page_of.get, table.shift, table.starts, table.sizes, table.counts
        firsts, headers, allocated = table.firsts, self._headers, table.allocated
        known, kind_of = self.how, self.kind_of
        fits = self._fits.setdefault(kind, {})
        given: List[int] = []
        for word in words:
            i = page_of(word >> shift)
            if i is None:
                continue
            number, inside = divmod(word - starts[i], sizes[i])
            if inside != headers[i] or number >= counts[i] or known[firsts[i] + number]:
                continue
            want = fits.get(i)
            if want is None:
                want = fits[i] = self._wanted(kind, i)
            mask, unit = want
            slot = firsts[i] + number
            if allocated[slot] and (not unit or mask.startswith(unit, number * sizes[i] >> 3)):
                kind_of[slot], known[slot] = kind, how
                given.append(word)
        if given:
            self._todo.setdefault(kind, []).extend(given)

    def _wanted(self, kind: int, i: int) -> Tuple[bytes, bytes]:
        """(the flags of a span's words, those that an object must begin with to be of the kind)."""
        if not self._can_be(kind, i):
            return b"", b"\0"
        found, span = self.kinds.all[kind], self.table.spans[i]
        if found.unit is None or span.noscan:
            return b"", b""
        width = span.size // WORD if found.form == PLAIN else 0
        return self._mask(i), found.unit + bytes(max(0, width - len(found.unit)))

    def _mask(self, i: int) -> bytes:
        found = self._masks.get(i)
        if found is None:
            found = self._masks[i] = self.table.word_flags(i)[0]
        return found

    def _can_be(self, kind: int, i: int) -> bool:
        """Whether the allocator would put such a value into a span like this one."""
        found, span = self.kinds.all[kind], self.table.spans[i]
        if self._headers[i] or span.large_type or span.chunk:
            return False  # these have their types recorded
        room = span.size
        if found.form == BYTES:
            return span.noscan
        if found.unit is not None and span.noscan != (1 not in found.unit):
            return False
        if found.form == PLAIN or found.form == MAP:
            if span.noscan and found.size < _TINY and room == _TINY:
                return False  # several share a block
            return self._least(i) < found.size <= room
        return found.size <= room

    def _drain(self) -> None:
        """Follow the pointers of all that has been given a kind, and of what they lead to."""
        while self._todo:
            self._expand(*self._todo.popitem())

    def _expand(self, kind: int, starts: List[int]) -> None:
        """Give what objects of this kind refer to its kind."""
        found = self.kinds.all[kind]
        if found.form in CONTAINERS or (found.type is not None and found.type.name == "runtime.hchan"):
            for start in starts:
                for word, inner in self._containers.contents(found, start):
                    if inner:
                        self._try((word,), inner, POINTED)
        elif found.type is not None:
            steps = self.kinds.steps(found.type)
            if steps:
                self._follow(starts, found, steps)
        if self._strings:
            words, self._strings = self._strings, []
            self._try(words, self.kinds.named("string", BYTES, 1), POINTED)

    def _follow(self, starts: List[int], found: Kind, steps: Tuple[Step, ...]) -> None:
        """Of each value that begins at one of these addresses, each pointer. Of an array all that there is room for:
        what it does not use is nil."""
        table = self.table
        page_of, shift, firsts, views = table.page_of, table.shift, table.starts, table.views
        gathered: List[Tuple[int, int, List[int]]] = [
            (step.offset, step.kind, []) for step in steps if step.what == POINTER and step.kind
        ]
        others = [step for step in steps if step.what != POINTER]
        for start in starts:
            i = page_of[start >> shift]
            view = views[i]
            if view is None:
                continue
            at = (start - firsts[i]) >> 3
            if found.form == PLAIN:
                for offset, _, words in gathered:
                    words.append(view[at + offset])
                for step in others:
                    self._other(step, view, at + step.offset)
                continue
            stride = found.size // WORD
            room = table.sizes[i] // WORD
            end = at // room * room + room
            for offset, _, words in gathered:
                words += view[at + offset : end : stride].tolist()
            for step in others:
                for place in range(at + step.offset, end, stride):
                    self._other(step, view, place)
        for _, kind, words in gathered:
            self._try(words, kind, POINTED)

    def _other(self, step: Step, view: memoryview, at: int) -> None:
        word, what = view[at], step.what
        if not word:
            return
        if what == FUNC:
            self._closure(word)
        elif at + 1 >= len(view):
            return
        elif what == STRING:
            if view[at + 1] >= _TINY and self._fills(word, view[at + 1]):
                self._strings.append(word)
        elif what == SLICE:
            if step.kind and at + 2 < len(view) and self._fills(word, view[at + 2] * self.kinds.all[step.kind].size):
                self._try((word,), step.kind, POINTED)
        else:
            self._held(word, view[at + 1], what == IFACE)

    def _fills(self, word: int, size: int) -> bool:
        """Whether the allocator would give `size` bytes an object like the one that begins at `word`: a slice or a
        string may also be the beginning of something else."""
        table = self.table
        i = table.page_of.get(word >> table.shift)
        return i is not None and self._least(i) < size + self._headers[i] <= table.sizes[i]

    def _least(self, i: int) -> int:
        """What would already fit into the next smaller class, or into a large object with a page less."""
        span = self.table.spans[i]
        return span.size - self.table.heap.spans.page if span.large else self._smaller.get(span.size, 0)

    def _closure(self, word: int, how: int = POINTED) -> None:
        """A func value that was made at run time begins with the address of its code."""
        table = self.table
        i = table.page_of.get(word >> table.shift)
        view = table.views[i] if i is not None else None
        if i is None or view is None or (word - table.starts[i]) % table.sizes[i]:
            return
        code = view[(word - table.starts[i]) >> 3]
        found = table.heap.session.modules.find(code)
        if found is not None and found[1].entry == code:
            self._try((word,), self.kinds.named(f"func {found[1].name}", CLOSURE, WORD), how)

    def _held(self, first: int, word: int, is_itab: bool) -> None:
        """What an interface {first, word} holds."""
        key = (first, is_itab)
        if key not in self._dynamic:
            self._dynamic[key] = self._what_is_held(first, is_itab)
        found = self._dynamic[key]
        if found is None or not word:
            return
        kind, direct = found
        if not direct:
            self._try((word,), self.kinds.of(kind), HELD)
            return
        for step in self.kinds.steps(kind)[:1]:
            if step.what == FUNC:
                self._closure(word)
            elif step.kind:
                self._try((word,), step.kind, HELD)

    def _what_is_held(self, first: int, is_itab: bool) -> Optional[Tuple[Type, bool]]:
        if is_itab:
            itab = self.kinds.types.itab(first)
            return None if isinstance(itab, Absent) else (itab.type, itab.type.direct)
        kind = self.kinds.types.at(first)
        return None if isinstance(kind, Absent) else (kind, kind.direct)

    def _interfaces(self, words: memoryview, mask: bytes) -> None:
        """Interfaces among words of no known type: a descriptor or itab that is no pointer, before one that is."""
        # For the collector the first word of an interface is none.
        count = len(mask)
        pointers = int.from_bytes(mask, "little")
        before = (pointers >> 8) & ~pointers
        at = before.to_bytes(count, "little").find(1) if before else -1
        flagged = before.to_bytes(count, "little") if before else b""
        while at >= 0:
            if words[at]:
                self._perhaps_held(words[at], words[at + 1])
            at = flagged.find(1, at + 1)

    def _perhaps_held(self, first: int, word: int) -> None:
        """`word` is what an interface holds when `first` is a descriptor or an itab."""
        if any(low <= first < high for low, high in self._sections) and not first % WORD:
            self._held(first, word, False)
        if self._may_be_itab(first):
            self._held(first, word, True)

    def _may_be_itab(self, word: int) -> bool:
        """Those that the linker made are in a module's data; of the others getitab's table knows."""
        if not self._itabs:
            self._itabs = dict.fromkeys(self._containers.itabs(), 1)
            self._itabs[0] = 1
        return word in self._itabs

    def _unknown_ones(self) -> None:
        """Closures, channels and interfaces in objects that nothing has told of."""
        table = self.table
        for i, span in enumerate(table.spans):
            view = table.views[i]
            if view is None or 0 not in self.how[table.firsts[i] : table.firsts[i] + span.slots]:
                continue
            self._begins(i, view)
            if not span.noscan and 1 in self._mask(i):
                self._interfaces(view, self._mask(i))
        self._drain()

    def _begins(self, i: int, view: memoryview, only: int = -1) -> None:
        """Closures and channels among the unknown objects of a span: one begins with the address of a function, the
        other has its element's type in it. Of all, or of the one of this number."""
        table, span = self.table, self.table.spans[i]
        first, width, header = table.firsts[i], span.size // WORD, self._headers[i]
        if not span.noscan and not header:
            low, high = self._text
            for number, word in enumerate(view[::width].tolist()):
                if low <= word < high and not self.how[first + number] and only in (-1, number):
                    self._closure(span.base(number), SHAPED)
        # Elements without pointers lie behind it in the same object.
        if self._channel and self._containers.channel_size <= span.size - header <= _MAX_CHANNEL:
            for number in range(span.slots) if only == -1 else (only,):
                start = span.base(number) + header
                unknown = table.allocated[first + number] and not self.how[first + number]
                if unknown and self._containers.is_channel(start, span.end):
                    self._give(first + number, self._channel, SHAPED, start)


def _sizes(table: SpanTable) -> List[int]:
    """Of all size classes."""
    return [int(size) for size in table.heap.session.layout.enums.get("size_classes", {}).values()]
