import pytest
from kubernetes.aio.client import ApiException

from frostline.core.election import Record
from frostline.kubernetes.lease import Found, Lease
from frostline.kubernetes.resource import Objects
from tests.kubernetes.server import FakeApi, talking

PATH = "/apis/coordination.k8s.io/v1/namespaces/frostline-system/leases"
SPEC = {
    "holderIdentity": "pod_1",
    "leaseDurationSeconds": 15,
    "acquireTime": "2026-01-01T00:00:00.000000Z",
    "renewTime": "2026-01-01T00:00:02.000000Z",
    "leaseTransitions": 4,
}
MANIFEST = {"metadata": {"name": "frostline-operator", "resourceVersion": "7"}, "spec": {**SPEC, "strategy": "Other"}}
RECORD = Record("pod_1", 15.0, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:02.000000Z", 4)


def lease(objects: Objects) -> Lease:
    return Lease(objects, "frostline-system", "frostline-operator")


def read(fake: FakeApi) -> Found | None:
    return talking(fake, lambda api: lease(Objects(api)).read())


def written(fake: FakeApi, before: Found | None) -> Found | None:
    return talking(fake, lambda api: lease(Objects(api)).write(RECORD, before))


def test_what_a_lease_says() -> None:
    found = read(FakeApi([(200, MANIFEST)]))

    assert found is not None
    assert found.record == RECORD


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None}], ids=["none", "empty", "null"])
def test_a_lease_that_says_nothing_is_held_by_nobody(spec: object) -> None:
    found = read(FakeApi([(200, {"metadata": {}, "spec": spec})]))

    assert found is not None
    assert found.record == Record("", 0.0, "", "", 0)


def test_no_lease() -> None:
    assert read(FakeApi([(404, {})])) is None


def test_it_is_made_where_there_is_none() -> None:
    fake = FakeApi([(201, {"metadata": {}, "spec": SPEC})])

    found = written(fake, None)

    (asked,) = fake.asked
    assert (asked.method, asked.path, asked.body["spec"]) == ("POST", PATH, SPEC)
    assert found is not None
    assert found.record == RECORD


def test_it_is_written_in_the_state_in_which_it_was_read_and_keeps_what_is_not_ours() -> None:
    fake = FakeApi([(200, MANIFEST)])

    written(fake, Found(RECORD, MANIFEST))

    (asked,) = fake.asked
    assert (asked.method, asked.path) == ("PUT", f"{PATH}/frostline-operator")
    assert asked.body["metadata"]["resourceVersion"] == "7"
    assert asked.body["spec"] == {**SPEC, "strategy": "Other"}


@pytest.mark.parametrize("code", [404, 409])
def test_another_was_faster(code: int) -> None:
    assert written(FakeApi([(code, {})]), Found(RECORD, MANIFEST)) is None


def test_a_refusal_is_raised() -> None:
    with pytest.raises(ApiException):
        written(FakeApi([(403, {})]), None)
