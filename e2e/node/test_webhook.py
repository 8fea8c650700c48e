"""Webhooks that go: drained, deleted, killed, and given other certificates, while releases are tried all the time."""

from collections.abc import Callable
from functools import partial

import pytest

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, WEBHOOK, Release, ready
from e2e.node.load import Load
from e2e.node.prober import passed_unasked
from e2e.node.rotation import Rotation
from e2e.node.spent import Spent
from frostline.controller.certificates import Step

Tell = Callable[[str], None]
CHOSEN = "app.kubernetes.io/component=webhook"


@pytest.fixture
def frozen(release: Release, prometheus: str, spent: Spent) -> Spent:
    """Give a frozen workload, with three webhooks that say so."""
    release.install(prometheus, FAST)
    spent.freeze()
    return spent


def test_an_eviction_waits_until_two_webhooks_would_be_left(kubectl: Kubectl, release: Release, frozen: Spent) -> None:
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}").stdout
    try:
        # The node takes no new pods, so the first that is evicted is the last.
        drained = kubectl(
            "drain", node, f"--pod-selector={CHOSEN}", "--timeout=12s", "--ignore-daemonsets", check=False
        )
    finally:
        kubectl("uncordon", node)

    assert drained.returncode != 0
    assert "violate the pod's disruption budget" in drained.stderr
    assert len([pod for pod in release.pods("webhook") if ready(pod)]) == 2
    assert "admission webhook" in frozen.refusal()
    release.rolled_out(WEBHOOK)


@pytest.mark.parametrize(
    ("how", "unasked"),
    [
        pytest.param((), 0, id="deleted"),
        # A connection that dies with its pod is noticed after the timeout of 2 s: the policy refuses meanwhile.
        pytest.param(("--grace-period=0", "--force"), 12, id="killed"),
    ],
)
def test_no_admission_fails_while_webhooks_go_one_by_one(
    release: Release,
    frozen: Spent,
    how: tuple[str, ...],
    unasked: int,
    tell: Tell,
) -> None:
    kubectl = release.kubectl
    before = passed_unasked(kubectl)
    with Load(release.cluster, frozen) as load:
        for name in [pod["metadata"]["name"] for pod in release.pods("webhook")]:
            kubectl("delete", "pod", name, "-n", NAMESPACE, *how)
            release.rolled_out(WEBHOOK)
            load.goes_on()

    missed = passed_unasked(kubectl) - before
    tell(f"  webhooks {'killed' if how else 'deleted'} one by one: {load.seen}; {missed:.0f} times none answered")
    assert not load.seen.wrong
    assert missed <= unasked


def test_certificates_are_rotated_and_no_admission_fails(
    kubectl: Kubectl, release: Release, frozen: Spent, tell: Tell
) -> None:
    rotation = Rotation(kubectl, release)
    pods = {pod["metadata"]["uid"] for pod in release.pods("webhook")}
    before = passed_unasked(kubectl)
    with Load(release.cluster, frozen) as load:
        rotation.age()
        load.goes_on()
        for step, bundled in ((Step.ANNOUNCE, 2), (Step.ISSUE, 2), (Step.RETIRE, 1)):
            rotation.let_operator(step)
            eventually(partial(rotation.trusts, bundled), 60, rotation.describe)
            eventually(rotation.is_served, 60, rotation.describe)
            load.goes_on()

    missed = passed_unasked(kubectl) - before
    tell(f"  certificates announced, issued, retired: {load.seen}; {missed:.0f} times no webhook answered")
    assert not load.seen.wrong
    assert missed == 0
    assert {pod["metadata"]["uid"] for pod in release.pods("webhook")} == pods
