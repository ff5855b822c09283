"""Options that pick, order and count goroutines, against what the goroutines told of themselves before they parked."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any, Dict, List, Optional, Set, Tuple

import pytest

from tests.e2e.answers import Document, ask
from tests.support import matrix
from tests.support.cores import Core, labelled_core
from tests.support.gdb import on_core
from tests.support.traceback import Goroutine, by_id, parse_traceback

Labels = Dict[int, Dict[str, str]]
MAIN = 1


def kinds(core: Core) -> Dict[int, str]:
    """id -> kind, as labelled.go calls them."""
    return {int(goid): kind for goid, kind in (fact.split(" ", 1) for fact in core.facts()["kind"])}


def labels(core: Core) -> Labels:
    found: Labels = defaultdict(dict)
    for fact in core.facts()["label"]:
        goid, pair = fact.split(" ")
        key, value = (bytes.fromhex(each).decode("utf-8", "replace") for each in pair.split("="))
        found[int(goid)][key] = value
    return found


def printed(core: Core) -> Dict[int, Goroutine]:
    return by_id(parse_traceback(core.stderr))


def start_of(goroutine: Goroutine) -> str:
    """At level system a traceback goes out to goexit, which every goroutine's first function returns to."""
    return next((f.function for f in reversed(goroutine.frames) if f.function != "runtime.goexit"), "")


def expected(core: Core) -> List[Tuple[str, Set[int]]]:
    """Options, and the ids that pass."""
    kind, label, said = kinds(core), labels(core), printed(core)
    users = {MAIN, *kind}

    def having(key: str, value: Optional[str] = None) -> Set[int]:
        return {g for g, each in label.items() if key in each and value in (None, each[key])}

    def of(*names: str) -> Set[int]:
        return {goid for goid, each in kind.items() if each in names}

    tenants = having("tenant")
    created = {g for g in users if said[g].created_by and said[g].created_by.function.startswith("main.parent")}
    return [
        ("", users),
        ("--label tenant", tenants),
        ("--label tenant=acme", having("tenant", "acme")),
        ("-with label tenant=first", set()),
        ("--label tenant --label request=r1", having("request", "r1")),
        ("-with label tenant -without label tenant=acme", tenants - having("tenant", "acme")),
        ("--label a=b=c", having("a", "b=c")),
        ("--label empty=", having("empty", "")),
        ('--with label "odd key=a \\"b\\" ; c"', having("odd key")),
        ("--label ключ=значение", having("ключ", "значение")),
        ("-wo label tenant", users - tenants),
        ("-w func main\\.deep", of("deep")),
        ("--with func ^main\\.inlined", of("generic")),
        ("--without func main\\.serve", users - of("serve")),
        ("--function ^main\\.job\\.wait$ --without reason select", of("wrapped", "late")),
        ("--with start ^main\\.labelled", {g for g in users if start_of(said[g]).startswith("main.labelled")}),
        ("--with start ^runtime\\.main$", {MAIN}),
        ("--with creator ^main\\.parent", created),
        ("-with goloc labelled.go", users - {MAIN}),
        ("--without creator labelled\\.go:[0-9]+$", {MAIN}),
        ("-with userloc main.serve", of("serve")),
        ("--with reason RECEIVE", {g for g in users if said[g].status == "chan receive"}),
        ("--with running", {MAIN, *of("syscall")}),
        ("--with status waiting --without running", {g for g in users if said[g].status == "chan receive"}),
        ("--min-wait 0s", set(kind) - of("late")),
        ("--min-wait 1000h", set()),
        ("--with system --with label tenant", set()),
    ]


@pytest.mark.parametrize("version,arch", matrix.few())
def test_which_are_picked(version: str, arch: str) -> None:
    core = labelled_core(version, arch)
    cases = expected(core)
    lists = [f"go-goroutines {options}" for options, _ in cases]
    also = cases[1::4]
    texts = [f"go-traceback --all {options}" for options, _ in also]
    both = ["go-goroutines --all", "go-goroutines --with system", "go-goroutines -without user"]
    everybody, system, not_users, *answers = ask(core, *both, *lists, *texts)
    for (options, wanted), answer in zip([*cases, *also], answers):
        assert ids(answer) == sorted(wanted), options
    users = cases[0][1]
    assert set(ids(system)) == set(ids(not_users)) == set(ids(everybody)) - users
    told = {g["id"]: g["labels"] for g in everybody["goroutines"] if g["labels"]}
    assert told == {goid: each for goid, each in labels(core).items() if each}
    late = next(answer for (options, _), answer in zip(cases, answers) if options == "--min-wait 0s")
    assert any("--min-wait: 2 goroutines left out" in warning for warning in late["warnings"])


def ids(answer: Document) -> List[int]:
    return sorted(each["id"] for each in answer["goroutines"])


@pytest.mark.parametrize("version,arch", matrix.few())
def test_groups_order_and_counts(version: str, arch: str) -> None:
    core = labelled_core(version, arch)
    label, kind = labels(core), kinds(core)
    by_label, by_size, by_wait, stats, listed = ask(
        core,
        "go-goroutines --group label:tenant",
        "go-goroutines --sort stack-size",
        "go-goroutines --sort wait",
        "go-goroutines --stats",
        "go-goroutines",
    )
    users = {MAIN, *kind}
    tenants = Counter(label[goid].get("tenant") if goid in label else None for goid in users)
    assert {group["key"]: group["count"] for group in by_label["groups"]} == tenants
    assert by_label["group"] == "label:tenant"
    assert sum(group["share_percent"] for group in by_label["groups"]) == pytest.approx(100, abs=0.1)
    sizes = [each["stack_bytes"] for each in by_size["goroutines"]]
    assert sizes == sorted(sizes, reverse=True)
    assert kind[by_size["goroutines"][0]["id"]] == "deep" and sizes[0] >= 1 << 16
    waits = [-1 if each["wait_seconds"] is None else each["wait_seconds"] for each in by_wait["goroutines"]]
    assert waits == sorted(waits, reverse=True)
    counted = stats["stats"]
    assert stats["total"] == len(users)
    assert counted["statuses"] == Counter(each["status"] for each in listed["goroutines"])
    assert counted["wait_reasons"] == Counter(g["wait_reason"] for g in listed["goroutines"] if g["wait_reason"])
    assert counted["stack_bytes"] == sum(sizes) == sum(e["bytes"] * e["count"] for e in counted["stack_sizes"])
    assert counted["largest_stack"] == {"bytes": sizes[0], "id": by_size["goroutines"][0]["id"]}
    assert counted["labelled"] == sum(bool(each) for each in label.values())
    assert counted["on_threads"] == 2


@pytest.mark.parametrize("version,arch", matrix.few())
def test_the_tree(version: str, arch: str) -> None:
    core = labelled_core(version, arch)
    run = on_core(
        core, "go-goroutines --tree --json", "go-goroutines --tree --with func main\\.parent --json",
        "go-goroutines --tree",
    )  # fmt: skip
    if version == "1.19":
        assert "since Go 1.21" in json.loads(run.outputs[0])["error"]
        return
    whole, some = (json.loads(output) for output in run.outputs[:2])
    parents = dict(map(int, fact.split()) for fact in core.facts()["parent"])
    (ended,) = map(int, core.facts()["ended"])
    found = parents_by_depth(whole["tree"])
    assert {child: found[child] for child in parents} == parents
    assert {each["id"] for each in whole["tree"] if not each["ended"]} == {MAIN, *kinds(core)}
    assert next(each for each in whole["tree"] if each["id"] == ended)["ended"]
    assert sum(parent == ended for parent in found.values()) == 6
    assert [
        each["parent_id"] for each in whole["tree"] if each["depth"] and found[each["id"]] != each["parent_id"]
    ] == []
    picked = {each["id"] for each in some["tree"] if each["picked"]}
    assert picked == {goid for goid, kind in kinds(core).items() if kind == "parent"}
    assert {each["id"] for each in some["tree"]} - picked == {MAIN}
    assert any("6 alike: " in line for line in run.outputs[2].splitlines())


def parents_by_depth(nodes: List[Dict[str, Any]]) -> Dict[int, int]:
    """Each node's parent by the order and depth of the lines; 0 for roots."""
    path: List[int] = []
    found = {}
    for node in nodes:
        del path[node["depth"] :]
        found[node["id"]] = path[-1] if path else 0
        path.append(node["id"])
    return found


WRONG = {
    "go-goroutines --with nonsense": "no such condition",
    "go-goroutines --with label": "wants a value",
    "go-goroutines --with running now": "takes no value",
    "go-goroutines --with func one two": "takes one value",
    "go-goroutines --with func (": "bad regular expression",
    "go-goroutines --with status asleep": "no goroutine status",
    "go-goroutines --min-wait soon": "invalid duration",
    "go-goroutines --group label": "--group label",
    "go-goroutines --group nothing": "label:K",
    "go-goroutines --tree --stats": "not both",
    "go-goroutines --format pprof": "-o FILE",
    "go-goroutines --format folded --json": "-o FILE",
    "go-goroutines --format speedscope --limit 3": "in full",
    "go-traceback 1 --with user": "IDs",
}


def test_what_makes_no_sense() -> None:
    core = labelled_core(matrix.newest())
    run = on_core(core, *WRONG)
    for command, said in zip(WRONG, run.stderr.splitlines()):
        assert WRONG[command] in said, command
    assert len(run.stderr.splitlines()) == len(WRONG)


def test_labels_in_a_list_and_on_tracebacks() -> None:
    core = labelled_core(matrix.newest())
    run = on_core(
        core, "go-goroutines -l --label bytes", "go-goroutines -l --label request=r2",
        "go-traceback --with label tenant=globex --sort id --limit 2",
    )  # fmt: skip
    assert run.outputs[0].splitlines()[1].endswith("bytes=\ufffd\ufffd")
    assert run.outputs[1].splitlines()[1].endswith("request=r2, tenant=globex")
    globex = sorted(goid for goid, each in labels(core).items() if each.get("tenant") == "globex")
    assert list(by_id(parse_traceback(run.outputs[2]))) == globex[:2]
