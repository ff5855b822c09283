"""The argument words of one frame, with what is known of each besides: its register, and what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Union

from ..errors import Absent, GoxrayError, Maybe
from ..runtime.argregs import ArgRegister, EntryArgs, EntryReader
from ..runtime.args import ArgItem, ArgWord
from ..runtime.argthings import Things
from ..runtime.argtypes import ArgTypes, Typed
from ..runtime.contexts import Context, Contexts
from ..runtime.frames import SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.gosyntax import line
from ..runtime.pointers import Pointers
from ..runtime.shapes import Shape, Shapes
from ..runtime.valuetree import Trees

if TYPE_CHECKING:
    from ..session import Session

_WORD = 8
_MAX_SHOWN = 200
_NOWHERE = ("nil", "memory", "unreadable")  # what says nothing of a word that may be no pointer
AT_ENTRY = "at its first instruction: arguments that have a register are in it, and their slots may hold anything"
NEAR_ENTRY = (
    "not all of its arguments are stored yet: those with a register are in it, and their slots may hold anything"
)


class WordView(NamedTuple):
    """One argument word. register: None where the function has gone past its entry; shape: None where it has none.

    typed: of the first word of an argument whose type the binary tells. target: what a word leads to that neither type
    nor shape tells anything of, "" where it leads nowhere.
    """

    word: ArgWord
    register: Optional[Maybe[ArgRegister]] = None
    shape: Optional[Shape] = None
    typed: Optional[Typed] = None
    target: str = ""

    @property
    def value(self) -> Optional[int]:
        """What the argument is, from its register or its live slot; None where neither tells."""
        if isinstance(self.register, ArgRegister) and not isinstance(self.register.value, Absent):
            return self.register.value
        return self.word.value if self.word.live and not isinstance(self.word.value, Absent) else None


class FrameView(NamedTuple):
    """A frame and its words; `note` says what is special about where it stands, `problem` what could not be told.

    The frame's own items hold the values of registers where those hold the arguments. context: of a closure's frame.
    """

    frame: SourceFrame
    words: Maybe[List[WordView]]
    note: str = ""
    problem: str = ""
    context: Optional[Context] = None


class FrameArgsReader:
    """Makes the views of one goroutine's frames."""

    def __init__(self, session: Session, goroutine: Goroutine) -> None:
        self._goroutine = goroutine
        self._entries = EntryReader(session)
        self._shapes = Shapes(session)
        self._trees = Trees(session)
        self._types = ArgTypes(session, self._trees)
        self._things = Things(session, self._trees.values)
        self._contexts = Contexts(session, goroutine, self._entries)
        self._pointers = Pointers(session)

    def view(self, frame: SourceFrame) -> FrameView:
        """Of a frame whose argument words have been read."""
        found = self._view(frame)
        return found if frame.inlined else found._replace(context=self._contexts.of(frame.physical))

    def _view(self, frame: SourceFrame) -> FrameView:
        if frame.args is None or isinstance(frame.args, Absent):
            return FrameView(frame, frame.args if frame.args is not None else [])
        items, problem = frame.args, ""
        try:
            entry = self._entries.read(self._goroutine, frame.physical, items)
        except GoxrayError as error:
            entry, problem = None, f"its first instructions cannot be read: {error}"
        words = [_at_entry(item, entry) for item in items if isinstance(item, ArgWord)]
        note = ""
        if entry is not None and entry.waiting:
            note = AT_ENTRY if entry.at_entry else NEAR_ENTRY
            frame = frame._replace(args=_by_value(items, words))
        values = [word.value for word in words]
        shapes = self._shaped(items, values)
        typed = self._types.find(frame.function, items, values)
        told = {i + n for i, shape in shapes.items() for n in range(shape.words)}
        told |= {i + n for i, each in typed.items() for n in range(each.words)}
        views = [
            word._replace(shape=shapes.get(i), typed=typed.get(i), target="" if i in told else self._target(word))
            for i, word in enumerate(words)
        ]
        return FrameView(frame, views, note, problem)

    def _target(self, word: WordView) -> str:
        found = self._pointers.detail(word.value) if word.value and word.word.size == _WORD else ""
        return "" if found in _NOWHERE else found

    def _shaped(self, items: List[ArgItem], values: List[Optional[int]]) -> Dict[int, Shape]:
        """What the words look like, interfaces with what they hold."""
        shapes = self._shapes.find(items, values)
        covered = {number for first, shape in shapes.items() for number in range(first, first + shape.words)}
        for number, (word, value) in enumerate(zip(_words(items), values)):
            shape = shapes.get(number)
            if shape is not None and shape.kind == "interface":
                held = self._types.held(value or 0, values[number + 1] or 0)
                shapes[number] = shape if held is None else shape._replace(value=line(held, limit=_MAX_SHOWN))
            elif number not in covered and word.size == _WORD and value is not None:
                thing = self._things.at(value)
                if thing is not None:
                    shapes[number] = thing
        return shapes


def _at_entry(word: ArgWord, entry: Optional[EntryArgs]) -> WordView:
    if entry is None:
        return WordView(word)
    if word.offset in entry.waiting:
        word = ArgWord(word.address, word.offset, word.size, word.value, False)
    return WordView(word, entry.registers.get(word.offset))


def _by_value(items: List[ArgItem], words: List[WordView]) -> List[ArgItem]:
    """The items as a traceback would show them if it knew of registers."""
    views: Dict[int, WordView] = {id(item): view for item, view in zip(_words(items), words)}
    return [_shown(views[id(item)]) if isinstance(item, ArgWord) else item for item in items]


def _words(items: List[ArgItem]) -> List[ArgWord]:
    return [item for item in items if isinstance(item, ArgWord)]


def _shown(view: WordView) -> Union[ArgWord, str]:
    """With the ? of a dead word where its register is a guess."""
    word, value = view.word, view.value
    sure = not (isinstance(view.register, ArgRegister) and view.register.guess)
    return word if value is None else ArgWord(word.address, word.offset, word.size, value, sure)
