"""$go_value on values that the program planted."""

from __future__ import annotations

import re

from tests.support import matrix
from tests.support.cores import healthy_core
from tests.support.gdb import on_core


def test_a_planted_value() -> None:
    core = healthy_core(matrix.newest())
    found = re.search(r"^fact pointer waiter (0x[0-9a-f]+)$", core.stdout, re.M)
    assert found is not None
    value = f'$go_value({found.group(1)}, "main.waiter")'
    run = on_core(
        core,
        f"print {value}",
        "go-load-symbols",
        "set language go",
        f"print {value}",
        f"print {value}.count + 1",
        f'print $go_value({found.group(1)}, "*uint8") == {value}.name.str',
        'print $go_value(16, "main.waiter")',
    )
    # parked.go: &waiter{"pointer", 7}
    assert re.fullmatch(r'\$\d+ = \{name = 0x[0-9a-f]+ "pointer", count = 7\}\n', run.outputs[3])
    assert run.outputs[4].endswith(" = 8\n")
    assert run.outputs[5].endswith(" = true\n") or run.outputs[5].endswith(" = 1\n")
    assert "there is no type main.waiter: has go-load-symbols been run?" in run.stderr
    assert "Cannot access memory at address 0x10" in run.stderr
