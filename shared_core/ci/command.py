"""goxray ci: its words, and what comes of them: a status, lines on stdout, and the files that were asked for."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager
from typing import Any, Iterator, List, NoReturn, Sequence, Tuple

from ..analysis.leaks import LEVELS, LIKELY
from ..commands import arguments as words_of
from ..commands.base import UNANSWERED, add_common, count, duration
from ..commands.leaks import DEFAULT_CROWD, DEFAULT_WAIT
from ..commands.output import write_atomically
from ..errors import GoxrayError, UserError
from .model import KINDS, NONE, Answer, Wanted
from .places import find
from .workers import default_jobs, look_at_all

NAME = "ci"
SUMMARY = "Look at many cores for a CI job: verdicts, a status, JUnit and SARIF."
_NS = 1_000_000_000
DETAILS = """A line for each core: FAIL when something is found that --fail-on names, ERROR when that cannot be told,
ok otherwise. Then, for more than one core, what their goroutines wait for side by side, and the cores by signature.

  crash      what go-crash finds: a panic, a fatal error, a signal. --ignore signal:external leaves out what was stopped
             from outside
  deadlock   all goroutines are asleep, as the runtime says or as memory shows; a cycle of locks (likely: who holds a
             lock is inferred)
  leak       what go-leaks finds, as sure as --sure asks for

The status is 0 when no core fails, 1 when one does, 2 when one could not be looked at, or the words make no sense: 2
also where other cores fail, since such a core might hide anything. An empty directory is 0: that nothing left a core is
how a CI job should end.

A FILE may be a core, a program, or a directory: its files are looked at, not those of directories in it. Each core is
opened with the first of the programs named that proves to be its own, by build id or by what is in memory, or with the
one that it names itself. Each core has a process, for as long and with as much memory as it may take.

JUnit has a suite for each core with a test for each of --fail-on; SARIF a rule for each class, a result for each
signature, and the line of the innermost function of the program's own.

  goxray ci --fail-on crash,deadlock --junit crashes.xml ./server cores/
  goxray ci --sure certain --ignore signal:external --sarif crashes.sarif --source-root "$PWD" cores/*.core
  goxray ci --json -o ci.json cores/"""


def parser() -> argparse.ArgumentParser:
    made = words_of.Parser(f"goxray {NAME}")
    made.add_argument("files", nargs="*", metavar="FILE", help="cores, programs, directories of them")
    made.add_argument(
        "--fail-on", metavar="KINDS", type=_kinds, default=KINDS,
        help="crash, deadlock, leak, comma between, or none (default all)",
    )  # fmt: skip
    made.add_argument(
        "--ignore", metavar="CLASS", action="append", default=[],
        help="no failure: a class, or a pattern of classes (panic:*); may be repeated",
    )  # fmt: skip
    made.add_argument("--sure", choices=LEVELS, default=LIKELY, help="the least sure that fails (default likely)")
    made.add_argument(
        "--min-wait", metavar="TIME", type=duration, dest="long", default=DEFAULT_WAIT,
        help="how long a wait must be to speak for a leak: 90s, 1h (default 5m)",
    )  # fmt: skip
    made.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    made.add_argument("--sarif", metavar="FILE", help="write SARIF 2.1.0")
    made.add_argument("--source-root", metavar="DIR", help="SARIF: files below DIR are named from there on")
    made.add_argument("--exe", metavar="EXE", action="append", default=[], help="a program; may be repeated")
    made.add_argument("--force", action="store_true", help="take the first program for that of every core")
    made.add_argument("--jobs", "-j", metavar="N", type=count, help="cores at a time (default: processors)")
    made.add_argument("--timeout", metavar="TIME", type=duration, default=300 * _NS, help="for each core (default 5m)")
    made.add_argument("--memory", metavar="MIB", type=count, default=4096, help="for each core (default 4096)")
    add_common(made)
    return made


def _kinds(text: str) -> Tuple[str, ...]:
    """An argparse type: --fail-on."""
    asked = [word for word in text.split(",") if word]
    if asked == [NONE]:
        return ()
    if not asked or any(word not in KINDS for word in asked):
        raise argparse.ArgumentTypeError(f"{text}: there are {', '.join(KINDS)}, and {NONE}")
    return tuple(kind for kind in KINDS if kind in asked)


def main(words: Sequence[str]) -> int:
    """Run `goxray ci WORDS...`; the status, as in DETAILS."""
    made = parser()
    if "-h" in words or "--help" in words:
        sys.stdout.write(words_of.described(made, SUMMARY, DETAILS))
        return 0
    try:
        with _termination():
            return _run(made.parse_intermixed_args(list(words)))
    except KeyboardInterrupt:
        return _failed("interrupted", words)
    except GoxrayError as error:
        return _failed(" ".join(str(error).split()), words)


def _failed(why: str, words: Sequence[str]) -> int:
    if "--json" in words:
        from ..render.jsonout import error_document

        sys.stdout.write(error_document(NAME, why))
    sys.stderr.write(f"goxray: {why}\n")
    return UNANSWERED


@contextmanager
def _termination() -> Iterator[None]:
    """A CI system that cancels a job sends SIGTERM: the workers go too."""

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace) -> int:
    answer = _answer(options)
    from ..render.ci import document_text, text

    for path, made in _files(options, answer):
        write_atomically(path, made)
    shown = document_text(answer) if options.json else text(answer)
    if options.output is None:
        sys.stdout.write(shown)
        sys.stdout.flush()
    else:
        write_atomically(options.output, shown)
    return answer.status


def _answer(options: argparse.Namespace) -> Answer:
    if not options.files:
        raise UserError("nothing to look at: name core files, or a directory of them")
    places = find(options.files, options.exe)
    if not places.cores and not places.notes:
        raise UserError("no core file among them: name core files, or a directory of them")
    if options.force and not places.exes:
        raise UserError("--force wants a program")
    wanted = Wanted(
        options.fail_on, tuple(options.ignore), options.long, DEFAULT_CROWD, options.sure, tuple(places.exes),
        options.force, max(options.timeout / _NS, 0.1), max(options.memory, 64) << 20,
    )  # fmt: skip
    jobs = max(1, options.jobs or default_jobs())
    return Answer(wanted, look_at_all(places.cores, wanted, jobs), places.notes)


def _files(options: argparse.Namespace, answer: Answer) -> List[Tuple[str, str]]:
    """(path, text) of what is written beside the answer."""
    found = []
    if options.junit:
        from ..render.junit import junit

        found.append((options.junit, junit(answer)))
    if options.sarif:
        from ..render.sarif import sarif

        found.append((options.sarif, sarif(answer, options.source_root)))
    return found
