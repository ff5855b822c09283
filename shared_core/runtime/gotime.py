"""Instants and durations of package time as Go prints them.

Sources: Go 1.27 time/time.go (Time, Duration.String), time/format.go (Time.String, RFC3339Nano).
"""

from __future__ import annotations

from typing import Tuple

_HAS_MONOTONIC = 1 << 63
_NANOSECONDS = (1 << 30) - 1
_DAY = 86400
# Seconds from year 1 to 1885, where Time.wall counts from, and to 1970.
_WALL = (1884 * 365 + 1884 // 4 - 1884 // 100 + 1884 // 400) * _DAY
_UNIX = (1969 * 365 + 1969 // 4 - 1969 // 100 + 1969 // 400) * _DAY
_DAYS_OF_400_YEARS = 146097


def time_text(wall: int, ext: int) -> str:
    """RFC3339Nano in UTC, then the reading of the monotonic clock as Time.String has it, where there is one."""
    monotonic, seconds = "", ext
    if wall & _HAS_MONOTONIC:
        seconds = _WALL + (wall >> 30 & (1 << 33) - 1)
        monotonic = f" m={'-' if ext < 0 else '+'}{abs(ext) // 10**9}.{abs(ext) % 10**9:09}"
    year, month, day = _date(seconds // _DAY)
    rest = seconds % _DAY
    fraction = f".{wall & _NANOSECONDS:09}".rstrip("0").rstrip(".")
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}{fraction}Z"
    return f"{'-' if year < 0 else ''}{abs(year):04}-{month:02}-{day:02}T{clock}{monotonic}"


def unix_seconds(wall: int, ext: int) -> int:
    """Seconds since 1970."""
    return (_WALL + (wall >> 30 & (1 << 33) - 1) if wall & _HAS_MONOTONIC else ext) - _UNIX


def _date(days: int) -> Tuple[int, int, int]:
    """(year, month, day) of a number of days since January 1 of year 1, in the calendar that Go uses for all times."""
    # Years are taken to begin in March, so that the day that some of them lack is their last.
    era, rest = divmod(days + 306, _DAYS_OF_400_YEARS)
    year = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
    rest -= 365 * year + year // 4 - year // 100
    month = (5 * rest + 2) // 153
    day = rest - (153 * month + 2) // 5 + 1
    return year + 400 * era + (month >= 10), month + 3 if month < 10 else month - 9, day


def duration_text(nanoseconds: int) -> str:
    """Duration.String: "1h2m3.5s", "1.5ms", "0s"."""
    rest, sign = abs(nanoseconds), "-" if nanoseconds < 0 else ""
    if rest < 10**9:
        for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1000_000)):
            if rest < size * 1000:
                return f"{sign}{_decimal(rest, size)}{unit}" if rest else "0s"
    minutes, rest = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 10**9)}s"
    return sign + (f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}" if minutes else text)


def _decimal(number: int, unit: int) -> str:
    """number / unit without trailing zeros."""
    digits = len(str(unit)) - 1
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest:0{digits}}".rstrip("0").rstrip(".") if rest else str(whole)
