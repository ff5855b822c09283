"""Floats as the builtin print shows them.

Sources: Go 1.27 runtime/print.go (printfloat64), internal/strconv/ftoa.go; Go 1.25 runtime/print.go (printfloat).
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal

_DIGITS = 7


def float_text(number: float, kind: str, short: bool) -> str:
    """short: strconv's shortest, since Go 1.26; before that seven digits, and three of exponent.

    kind: "Float32" or "Float64".
    """
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return _shortest(number, kind) if short else _fixed(number)


def _fixed(number: float) -> str:
    """printfloat, with its own rounding errors."""
    sign, exponent, rest = "-" if math.copysign(1, number) < 0 else "+", 0, abs(number)
    if rest:
        while rest >= 10:
            exponent, rest = exponent + 1, rest / 10
        while rest < 1:
            exponent, rest = exponent - 1, rest * 10
        half = 5.0
        for _ in range(_DIGITS):
            half /= 10
        rest += half
        if rest >= 10:
            exponent, rest = exponent + 1, rest / 10
    digits = ""
    for _ in range(_DIGITS):
        digits += chr(int(rest) + 48)
        rest = (rest - int(rest)) * 10
    return f"{sign}{digits[0]}.{digits[1:]}e{'-' if exponent < 0 else '+'}{abs(exponent):03}"


def _same(text: str, number: float) -> bool:
    """Whether the text means this float of 32 bits; one that is rounded up may be of none."""
    try:
        return struct.pack("<f", float(text)) == struct.pack("<f", number)
    except OverflowError:
        return False


def _shortest(number: float, kind: str) -> str:
    """strconv.FormatFloat(number, 'g', -1, bits): with an exponent below -4 and from 6 on."""
    digits = repr(number)
    if kind == "Float32":
        digits = next((each for size in range(1, 10) for each in [f"{number:.{size}g}"] if _same(each, number)), digits)
    sign, places, power = Decimal(digits).normalize().as_tuple()
    text, head = "".join(map(str, places)), "-" if sign else ""
    exponent = len(text) + int(power) - 1
    if text == "0" or -4 <= exponent < 6:
        return head + ("0" if text == "0" else f"{abs(Decimal(digits).normalize()):f}")
    tail = f".{text[1:]}" if len(text) > 1 else ""
    return f"{head}{text[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
