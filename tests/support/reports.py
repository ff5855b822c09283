"""Whether JUnit XML and SARIF are what their schemas allow, by the parts of these that goxray has to do with.

JUnit: what both windyroad/JUnit-Schema and junit-10.xsd of Jenkins's xUnit plugin ask for. SARIF: the 2.1.0 schema.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List
from xml.etree import ElementTree

_SUITE = {
    "name": r"\S(.*\S)?", "package": r"\S+", "id": r"\d+", "hostname": r"\S+", "tests": r"\d+", "failures": r"\d+",
    "errors": r"\d+", "time": r"\d+\.\d+", "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
}  # fmt: skip
_ORDER = ("properties", "testcase", "system-out", "system-err")
_LEVELS = ("none", "note", "warning", "error")
# A URI reference: RFC 3986 leaves nothing else unquoted, and no colon before the first slash of a relative one.
_URI = re.compile(r"(file://)?([A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})*")

Suite = Dict[str, Any]


def checked_junit(text: str) -> List[Suite]:
    """The suites: their attributes, "properties", "cases" (name -> what is told in it, or None), and "out"."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert (root.tag, root.attrib) == ("testsuites", {})
    return [_suite(each, number) for number, each in enumerate(root)]


def _suite(element: ElementTree.Element, number: int) -> Suite:
    assert element.tag == "testsuite" and element.attrib.keys() == _SUITE.keys()
    assert all(re.fullmatch(form, element.attrib[name], re.S) for name, form in _SUITE.items())
    assert int(element.attrib["id"]) == number
    tags = [child.tag for child in element]
    assert tags == sorted(tags, key=_ORDER.index) and tags.count("testcase") == len(tags) - 3 == int(
        element.attrib["tests"]
    )
    cases = {each.attrib["name"]: _case(each) for each in element.findall("testcase")}
    ends = [case["element"] for case in cases.values() if case is not None]
    assert ends.count("failure") == int(element.attrib["failures"])
    assert ends.count("error") == int(element.attrib["errors"])
    properties = {each.attrib["name"]: each.attrib["value"] for each in element.findall("properties/property")}
    return {**element.attrib, "cases": cases, "properties": properties, "out": element.findtext("system-out")}


def _case(element: ElementTree.Element) -> Any:
    assert element.attrib.keys() == {"name", "classname", "time"} and float(element.attrib["time"]) >= 0
    if not len(element):
        return None
    (child,) = element
    assert child.tag in ("failure", "error") and child.attrib.keys() == {"type", "message"} and not len(child)
    return {"element": child.tag, "text": child.text, **child.attrib}


def checked_sarif(text: str) -> Dict[str, Any]:
    """The one run of a SARIF log."""
    log = json.loads(text)
    assert log.keys() == {"version", "runs"} and log["version"] == "2.1.0" and len(log["runs"]) == 1
    run: Dict[str, Any] = log["runs"][0]
    assert run.keys() - {"originalUriBaseIds"} == {"tool", "invocations", "results", "columnKind"}
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))
        assert rule["defaultConfiguration"]["level"] in _LEVELS
        assert len(set(rule["properties"]["tags"])) == len(rule["properties"]["tags"])
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] and result["level"] in _LEVELS
        assert result["message"]["text"] and result["occurrenceCount"] >= 1
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        for location in result["locations"]:
            _location(location, run)
    (invocation,) = run["invocations"]
    for note in invocation["toolExecutionNotifications"]:
        assert note["level"] in _LEVELS and note["message"]["text"]
        for location in note["locations"]:
            _location(location, run)
    return run


def _location(location: Dict[str, Any], run: Dict[str, Any]) -> None:
    physical = location["physicalLocation"]
    artifact = physical["artifactLocation"]
    assert artifact["uri"] and _URI.fullmatch(artifact["uri"]), artifact
    assert "uriBaseId" not in artifact or run["originalUriBaseIds"][artifact["uriBaseId"]]["uri"].endswith("/")
    assert physical.get("region", {"startLine": 1})["startLine"] >= 1
