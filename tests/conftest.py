"""Options and rules for all tests."""

from __future__ import annotations

import os
from typing import Generator

import pytest

from tests.support import matrix, paths


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-matrix", action="store_true", help="every Go version on every architecture, and every way to build"
    )


def pytest_configure(config: pytest.Config) -> None:
    matrix.set_full(bool(config.getoption("--all-matrix")))
    if "PYTEST_XDIST_WORKER" not in os.environ:
        paths.prune()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test is a failed one: what is missing must be installed, what does not apply must not be collected."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module (pytest.importorskip and its like)."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed here: {report.longrepr}"
    return report
