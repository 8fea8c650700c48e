"""helm upgrade and rollback during a freeze: the gates are the memory, and nobody notices."""

import json
from collections.abc import Callable

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, OPERATOR, WEBHOOK, Release
from e2e.node.load import Load
from e2e.node.prober import passed_unasked
from e2e.node.spent import Spent

NEXT = {"image": {"tag": "e2e-next"}}


def test_a_freeze_stands_through_upgrade_and_rollback_of_all_that_runs(
    release: Release,
    prometheus: str,
    spent: Spent,
    tell: Callable[[str], None],
) -> None:
    kubectl = release.kubectl
    release.install(prometheus, FAST)
    spent.freeze()
    since = spent.gates()[0]["spec"]["since"]
    before = passed_unasked(kubectl)
    with Load(release.cluster, spent) as load:
        release.install(prometheus, FAST, NEXT)
        assert _images(kubectl) == {OPERATOR: "frostline:e2e-next", WEBHOOK: "frostline:e2e-next"}
        load.goes_on()
        looked = _looked(spent)
        eventually(lambda: _looked(spent) != looked, 90, "the new operator writes statuses")

        release.helm("rollback", release.name, "--wait", "--timeout=150s")
        assert _images(kubectl) == {OPERATOR: "frostline:e2e", WEBHOOK: "frostline:e2e"}
        load.goes_on()

    missed = passed_unasked(kubectl) - before
    tell(f"  upgrade and rollback: {load.seen}; {missed:.0f} times no webhook answered")
    assert not load.seen.wrong
    assert missed == 0
    assert [gate["spec"]["since"] for gate in spent.gates()] == [since]


def _looked(spent: Spent) -> str:
    """Return when the promise was last written about, as its fields' owner tells."""
    managed = json.loads(spent.kubectl("get", "slo", "-n", spent.name, "-o", "json", "--show-managed-fields").stdout)[
        "items"
    ][0]["metadata"]["managedFields"]
    return max(str(each["time"]) for each in managed)


def _images(kubectl: Kubectl) -> dict[str, str]:
    found = json.loads(kubectl("get", "deploy", "-n", NAMESPACE, "-o", "json").stdout)["items"]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"] for each in found}
