"""HTML by functions: what is no Markup is text, and is escaped. Nothing that comes from the target gets past that."""

from __future__ import annotations

from html import escape as _entities
from typing import Iterable, Union

from ..escape import escape


class Markup(str):
    """HTML as it is to be written."""


Content = Union[str, int, None, Iterable["Content"]]
_EMPTY = ("meta", "input", "br", "link")


def tag(element: str, /, *content: Content, **attributes: Union[str, int, bool, None]) -> Markup:
    """An element. Of attributes, `_` in names is "-", a last one is dropped (class_), None and False are left out."""
    head = [element]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        head.append(key if value is True else f'{key}="{_entities(shown(value))}"')
    opened = f"<{' '.join(head)}>"
    return Markup(opened if element in _EMPTY else f"{opened}{join(*content)}</{element}>")


def join(*content: Content) -> Markup:
    """One after the other; None is nothing."""
    return Markup("".join([_one(each) for each in content]))


def _one(content: Content) -> str:
    if isinstance(content, Markup):
        return content
    if content is None:
        return ""
    if isinstance(content, (str, int)):
        return _entities(shown(content))
    return "".join([_one(each) for each in content])


def shown(value: Union[str, int]) -> str:
    """Text of the target's with control, bidirectional and invisible characters spelled out, and bounded."""
    return escape(value) if isinstance(value, str) else str(value)


def raw(text: str) -> Markup:
    """Text of our own that is no HTML: the page's style and scripts."""
    return Markup(text)
