"""helm uninstall during a freeze: nothing of it is left on any workload, and nothing that refuses."""

import json

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, Release
from e2e.node.spent import FREEZE_SECONDS, NOW, OBJECTIVE, Spent

ADMISSION = (
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)


def test_an_uninstall_leaves_neither_mark_nor_gate_nor_admission_and_a_reinstall_freezes_again(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    release.install(prometheus, FAST)
    spent.freeze()
    assert spent.marks()

    release.uninstall()

    assert spent.marks() == []
    assert spent.gates() == []
    assert [name for name in _names(kubectl, *ADMISSION) if "frostline" in name] == []
    labels = json.loads(kubectl("get", "namespace", spent.name, "-o", "json").stdout)["metadata"]["labels"]
    assert [name for name in labels if "frostline" in name] == []
    left = _names(kubectl, "deployments,services,jobs,serviceaccounts,roles,rolebindings,pdb", "-n", NAMESPACE)
    assert [name for name in left if "frostline" in name] == []
    assert [name for name in _names(kubectl, "clusterroles,clusterrolebindings") if "frostline" in name] == []
    assert spent.refusal() == ""
    assert spent.get("deploy", spent.name)["spec"]["template"]["spec"]["containers"][0]["image"] == NOW
    assert spent.get("slo", OBJECTIVE)["spec"]["owner"] == "team-shop"

    release.install(prometheus, FAST)
    eventually(lambda: "admission webhook" in spent.refusal(), FREEZE_SECONDS, spent.describe)


def _names(kubectl: Kubectl, *arguments: str) -> list[str]:
    kinds = [each for each in arguments if not each.startswith("-")]
    place = arguments[arguments.index("-n") :] if "-n" in arguments else ()
    kinds = [each for each in kinds if each not in place]
    return kubectl("get", ",".join(kinds), *place, "-o", "name").stdout.split()
