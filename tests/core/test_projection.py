"""What of a pod template makes a release, field by field."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.aio import client

from frostline.core.projection import (
    CONTAINER_SETS,
    MIRRORED,
    OF_VOLUMES,
    OPERATIONAL_CONTAINER,
    OPERATIONAL_POD,
    STRUCTURE,
    Operational,
    Shape,
    canonical,
    differences,
    images,
    project,
)
from tests.support.edits import (
    Edit,
    Template,
    added,
    annotation,
    base,
    both,
    container,
    edited,
    image,
    label,
    mounted,
    spec,
    turned_in_spec,
    variable,
    without,
)

OPEN = Shape()
ALL_WITHHELD = Shape(withheld=frozenset(Operational))
POD_FIELDS = set(client.V1PodSpec.attribute_map.values())
CONTAINER_FIELDS = set(client.V1Container.attribute_map.values())
OPERATIONAL_IN_CONTAINER = {name for fields in OPERATIONAL_CONTAINER.values() for name in fields}
OPERATIONAL_IN_POD = {name for fields in OPERATIONAL_POD.values() for name in fields}
FUNCTIONAL_IN_CONTAINER = CONTAINER_FIELDS - OPERATIONAL_IN_CONTAINER - {"name", "env", *CONTAINER_SETS}
FUNCTIONAL_IN_POD = POD_FIELDS - OPERATIONAL_IN_POD - {*STRUCTURE, *MIRRORED}


def same(one: Template, other: Template, shape: Shape = OPEN) -> bool:
    return canonical(project(one, shape)) == canonical(project(other, shape))


def test_the_tables_name_fields_that_there_are() -> None:
    assert {*STRUCTURE, *MIRRORED, *OPERATIONAL_IN_POD} <= POD_FIELDS
    assert {*CONTAINER_SETS, *OF_VOLUMES, *OPERATIONAL_IN_CONTAINER} <= CONTAINER_FIELDS
    assert set(OPERATIONAL_CONTAINER) | set(OPERATIONAL_POD) | {Operational.LABELS} == set(Operational)


@pytest.mark.parametrize("name", sorted(FUNCTIONAL_IN_CONTAINER | {"aFieldOfTomorrow"}))
def test_a_field_of_a_container_is_functional_unless_listed(name: str) -> None:
    assert not same(base(), edited(base(), container(**{name: {"changed": True}})))


@pytest.mark.parametrize("name", sorted(FUNCTIONAL_IN_POD | {"aFieldOfTomorrow"}))
def test_a_field_of_the_pod_is_functional_unless_listed(name: str) -> None:
    assert not same(base(), edited(base(), spec(**{name: {"changed": True}})))


@pytest.mark.parametrize("name", sorted(OPERATIONAL_IN_CONTAINER))
def test_an_operational_field_of_a_container_counts_where_withheld(name: str) -> None:
    changed = edited(base(), container(**{name: {"changed": True}}))

    assert same(base(), changed)
    assert not same(base(), changed, ALL_WITHHELD)


@pytest.mark.parametrize("name", sorted(OPERATIONAL_IN_POD))
def test_an_operational_field_of_the_pod_counts_where_withheld(name: str) -> None:
    changed = edited(base(), spec(**{name: {"changed": True}}))

    assert same(base(), changed)
    assert not same(base(), changed, ALL_WITHHELD)


@pytest.mark.parametrize("shape", [OPEN, ALL_WITHHELD], ids=["open", "withheld"])
def test_mirrored_fields_never_count(shape: Shape) -> None:
    assert same(base(), edited(base(), spec(serviceAccount="other")), shape)


def test_the_hash_of_a_replica_set_is_no_label() -> None:
    assert same(base(), edited(base(), label("pod-template-hash", "5f6d")), ALL_WITHHELD)


@given(st.randoms())
def test_order_says_nothing_but_of_init_containers(shuffler: random.Random) -> None:
    shuffled = base()
    shuffler.shuffle(shuffled["spec"]["containers"])
    shuffler.shuffle(shuffled["spec"]["volumes"])
    for each in shuffled["spec"]["containers"]:
        for name in ("env", "ports", "volumeMounts"):
            shuffler.shuffle(each.get(name, []))

    assert same(base(), shuffled)
    assert not same(base(), edited(shuffled, turned_in_spec("initContainers")))


@given(st.lists(st.sampled_from(["A=1", "A=2", "B=1", "C=1"]), max_size=5), st.randoms())
def test_an_env_is_a_set_unless_a_name_repeats(pairs: list[str], shuffler: random.Random) -> None:
    def with_env(env: list[dict[str, str]]) -> Template:
        return edited(base(), container(env=env))

    env = [dict(zip(("name", "value"), pair.split("="), strict=True)) for pair in pairs]
    shuffled = shuffler.sample(env, len(env))
    repeats = len({each["name"] for each in env}) < len(env)

    assert same(with_env(env), with_env(shuffled)) is (not repeats or env == shuffled)


def test_what_is_stored_is_comparable_with_what_is_projected() -> None:
    as_listed = project(base(), OPEN)
    as_listed["containers"][0]["env"] = base()["spec"]["containers"][0]["env"]

    assert canonical(as_listed) == canonical(project(base(), OPEN))


@pytest.mark.parametrize(
    "edit",
    [
        container(env=[]),
        container("proxy", ports=[], volumeMounts=[]),
        spec(securityContext=None),
        both(annotation("example.com/injected", None), annotation("checksum/config", None)),
    ],
    ids=["env", "sets", "fields", "annotations"],
)
def test_empty_parts_are_left_out(edit: Edit) -> None:
    def holds_nothing(value: Any) -> bool:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return value in ([], {}, None) or any(holds_nothing(part) for part in parts)

    projection = project(edited(base(), container(volumeMounts=[]), edit), OPEN)
    projection["volumes"] = [each for each in projection["volumes"] if "emptyDir" not in each]

    assert not holds_nothing(projection)


def test_a_mount_of_an_ignored_volume_is_ignored() -> None:
    injected = edited(base(), added("volumes", {"name": "mesh", "emptyDir": {}}), mounted("mesh", "/mesh", "proxy"))

    assert same(base(), injected, Shape(ignored_volumes=frozenset({"mesh"})))
    assert not same(base(), injected)


def test_images_are_those_of_all_containers() -> None:
    assert images(project(base(), OPEN)) == {"web:2", "proxy:1", "migrate:1", "warm:1"}
    ignoring = Shape(ignored_containers=frozenset({"proxy", "warm"}))
    assert images(project(base(), ignoring)) == {"web:2", "migrate:1"}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (image("web:3"), ["image of container web"]),
        (image("migrate:2", "migrate"), ["image of init container migrate"]),
        (variable("LEVEL", "debug"), ["env LEVEL of container web"]),
        (
            both(variable("REGION", None), variable("NEW", "1")),
            ["env REGION of container web", "env NEW of container web"],
        ),
        (container(env=[{"name": "A", "value": "1"}] * 2), ["env of container web"]),
        (container(volumeMounts=[]), ["volumeMounts of container web"]),
        (without("containers", "proxy"), ["container proxy removed"]),
        (container("proxy", name="front"), ["container front added", "container proxy removed"]),
        (turned_in_spec("initContainers"), ["order of init containers"]),
        (added("volumes", {"name": "more", "emptyDir": {}}), ["volumes"]),
        (annotation("checksum/config", "b"), ["annotation checksum/config"]),
        (annotation("checksum/config", None), ["annotation checksum/config"]),
        (spec(hostNetwork=True), ["hostNetwork"]),
        (container(resources={}), []),
        (turned_in_spec("containers"), []),
    ],
    ids=lambda each: ", ".join(each) or "nothing" if isinstance(each, list) else "",
)  # fmt: skip
def test_differences_in_words(edit: Edit, said: list[str]) -> None:
    before, after = project(base(), OPEN), project(edited(base(), edit), OPEN)

    assert list(differences(before, after)) == said
    assert (canonical(before) == canonical(after)) is (not said)


def test_a_withheld_label_is_named() -> None:
    before, after = project(base(), ALL_WITHHELD), project(edited(base(), label("chart", "web-2")), ALL_WITHHELD)

    assert differences(before, after) == ("label chart",)


def test_a_digest_names_a_canonical_form() -> None:
    one, other = canonical(project(base(), OPEN)), canonical(project(edited(base(), image("web:3")), OPEN))

    assert len(one.digest) == 16
    assert one.digest != other.digest
