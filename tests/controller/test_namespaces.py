from typing import Any

import pytest

from frostline import names
from frostline.controller.namespaces import Namespaces, seen_namespace
from frostline.core.policy import Mode


def namespace(
    labels: dict[str, str] | None = None, *, version: int = 1, uid: str = "a", deleting: bool = False
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "dating", "uid": uid, "resourceVersion": str(version), "labels": labels or {}}
    return {"metadata": metadata | ({"deletionTimestamp": "2027-01-15T08:00:00Z"} if deleting else {})}


MODE, ENFORCED = str(names.Label.MODE), str(names.Label.ENFORCED)


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        pytest.param(None, Mode.WARN, id="none: the policy's"),
        pytest.param("Observe", Mode.OBSERVE, id="Observe"),
        pytest.param("Enforce", Mode.ENFORCE, id="Enforce"),
        pytest.param("enforce", None, id="no mode"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_mode_that_a_label_says(label: str | None, mode: Mode | None) -> None:
    seen = seen_namespace(namespace({} if label is None else {MODE: label}))

    assert seen.mode_or(Mode.WARN) == mode


@pytest.mark.parametrize(("value", "enforced"), [("true", True), ("True", False), ("", False)])
def test_our_mark(value: str, *, enforced: bool) -> None:
    assert seen_namespace(namespace({ENFORCED: value})).enforced is enforced


def test_a_namespace_without_labels() -> None:
    manifest = namespace()
    del manifest["metadata"]["labels"]

    assert (seen_namespace(manifest).mode, seen_namespace(manifest).enforced) == (None, False)


@pytest.mark.parametrize(
    ("new", "woken"),
    [
        pytest.param(namespace({"team": "core"}, version=2), 0, id="a label of others"),
        pytest.param(namespace({MODE: "Warn"}, version=2), 1, id="the mode"),
        pytest.param(namespace({ENFORCED: "true"}, version=2), 1, id="our mark"),
        pytest.param(namespace(version=2, deleting=True), 1, id="terminating"),
        pytest.param(namespace(version=2, uid="b"), 1, id="made again"),
    ],
)
def test_what_is_news(new: dict[str, Any], woken: int) -> None:
    known, calls = Namespaces(), []
    known.put(namespace())
    known.on_change(lambda: calls.append(1))

    known.put(new)

    assert len(calls) == woken


def test_a_namespace_is_found_by_its_name() -> None:
    known = Namespaces()
    known.put(namespace())

    found = known.called("dating")

    assert found is not None
    assert found.uid == "a"
    assert known.called("other") is None
