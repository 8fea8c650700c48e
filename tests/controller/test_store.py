from typing import Any

import pytest

from frostline.controller.account import Key
from frostline.controller.store import Store, stored

KEY = Key("dating", "matching")


def manifest(version: int = 1, *, uid: str = "a", generation: int = 1, name: str = "matching", **more: Any) -> Any:
    metadata = {"namespace": "dating", "name": name, "uid": uid, "generation": generation}
    return {"metadata": {**metadata, "resourceVersion": str(version), **more}, "spec": {"x": version}}


def filled(*manifests: Any) -> tuple[Store, list[str]]:
    """Return a store with manifests put into it, and a list that grows with every wake-up after that."""
    store, woken = Store(), []
    for each in manifests:
        store.put(each)
    store.on_change(lambda: woken.append("woken"))
    return store, woken


def version(store: Store) -> str | None:
    known = store.get(KEY)
    return None if known is None else known.version


@pytest.mark.parametrize(
    ("known", "arrives", "kept"),
    [
        pytest.param(5, 6, "6", id="newer"),
        pytest.param(5, 5, "5", id="the same"),
        pytest.param(5, 4, "5", id="older"),
        pytest.param(9, 10, "10", id="newer by a digit"),
        pytest.param(10, 9, "10", id="older by a digit"),
    ],
)
def test_the_newest_state_is_kept(known: int, arrives: int, kept: str) -> None:
    store, _ = filled(manifest(known), manifest(arrives))

    assert version(store) == kept


def test_what_is_known_is_not_kept_twice() -> None:
    store, woken = filled(manifest(5))
    before = store.get(KEY)

    store.put(manifest(5))

    assert store.get(KEY) is before
    assert woken == []


@pytest.mark.parametrize(
    ("arrives", "wakes"),
    [
        pytest.param(manifest(2), False, id="a status"),
        pytest.param(manifest(2, generation=2), True, id="a spec"),
        pytest.param(manifest(2, uid="b"), True, id="made anew"),
        pytest.param(manifest(2, name="other"), True, id="another"),
    ],
)
def test_only_what_says_something_new_wakes(arrives: Any, wakes: bool) -> None:
    store, woken = filled(manifest(1))

    store.put(arrives)

    assert bool(woken) == wakes


def test_deleted_objects_are_forgotten() -> None:
    store, woken = filled(manifest(1))

    store.drop(manifest(2))

    assert store.snapshot() == {}
    assert woken == ["woken"]


def test_a_late_word_of_deletion_leaves_the_successor_alone() -> None:
    store, woken = filled(manifest(1, uid="a"), manifest(5, uid="b"))

    store.drop(manifest(3, uid="a"))

    assert version(store) == "5"
    assert woken == []


def test_a_late_word_of_the_predecessor_leaves_the_successor_alone() -> None:
    """A list that was asked for before an object was made anew arrives after the watch told of it."""
    store, _ = filled(manifest(5, uid="b"))

    store.put(manifest(3, uid="a"))

    assert version(store) == "5"


def test_deleting_what_is_unknown_does_nothing() -> None:
    store, woken = filled()

    store.drop(manifest(1))

    assert woken == []


def test_a_list_drops_ghosts_and_keeps_what_came_meanwhile() -> None:
    store, _ = filled(manifest(1, uid="g", name="ghost"), manifest(1, uid="k", name="known"))
    before = store.uids()
    store.put(manifest(7, uid="m", name="meanwhile"))

    store.replace([stored(manifest(2, uid="k", name="known")), stored(manifest(2, uid="l", name="listed"))], before)

    assert {key.name for key in sorted(store.snapshot())} == {"known", "listed", "meanwhile"}


def test_a_list_keeps_what_was_made_again_while_it_was_under_way() -> None:
    store, _ = filled(manifest(1, uid="first"))
    before = store.uids()
    store.put(manifest(7, uid="second"))

    store.replace([], before)

    assert version(store) == "7"


def test_an_old_list_does_not_bring_back_an_old_state() -> None:
    store, _ = filled(manifest(9))

    store.replace([stored(manifest(3))], store.uids())

    assert version(store) == "9"


def test_what_is_being_deleted_is_not_worked_on() -> None:
    store, _ = filled(manifest(1, deletionTimestamp="2026-10-01T00:00:00Z"))

    assert store.snapshot() == {}
    assert store.get(KEY) is not None


@pytest.mark.parametrize("status", [None, "x", [], 5])
def test_a_status_that_is_none_is_empty(status: Any) -> None:
    assert stored({**manifest(1), "status": status}).status == {}


def test_a_manifest_without_spec_is_taken_in() -> None:
    bare = manifest(1)
    del bare["spec"]

    assert stored(bare).spec is None
