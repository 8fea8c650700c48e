"""What may be done with the chart's default values: by each service account, and by who edits a namespace."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from e2e.cluster import kubeconfig
from e2e.cluster.kubectl import Kubectl
from e2e.node.helm import FAST, NAMESPACE, Release
from e2e.node.spent import NEVER, OBJECTIVE, Spent

EDITOR = "editor"
DRY = "--dry-run=server"
READ, WRITE, WATCH = "get list watch", "get list watch create update delete", "list watch"
POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
BINDINGS = "validatingadmissionpolicybindings.admissionregistration.k8s.io"
WEBHOOKS = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
MAY: Final[Mapping[str, Mapping[str, str]]] = {
    "frostline-operator": {
        "servicelevelobjectives.frostline.dev": WATCH,
        "servicelevelobjectives.frostline.dev/status": "patch",
        "releaseoverrides.frostline.dev": WATCH,
        "releaseoverrides.frostline.dev/status": "patch",
        "releasegates.frostline.dev": WRITE,
        "errorbudgetpolicies.frostline.dev": WATCH,
        "errorbudgetpolicies.frostline.dev/status": "patch",
        "prometheussources.frostline.dev": WATCH,
        "prometheussources.frostline.dev/status": "patch",
        "deployments.apps": f"{READ} patch",
        "statefulsets.apps": f"{READ} patch",
        "daemonsets.apps": f"{READ} patch",
        "replicasets.apps": "list",
        "controllerrevisions.apps": "list",
        "namespaces": f"{WATCH} patch",
        "events.events.k8s.io": "create",
        f"{POLICIES} frostline-freeze": "get patch",
        f"{POLICIES} frostline-keep": "get",
        f"{POLICIES} frostline-probe": "get",
        BINDINGS: "create",
        f"{BINDINGS} frostline-freeze": "get patch delete",
        f"{BINDINGS} frostline-keep": "get patch delete",
        f"{BINDINGS} frostline-probe": "get patch delete",
        WEBHOOKS: "create",
        f"{WEBHOOKS} frostline": "get patch delete",
        "secrets": "get create",
        "secrets frostline-webhook-tls": "get patch",
        "configmaps": "get create",
        "leases.coordination.k8s.io": "create",
        "leases.coordination.k8s.io frostline-operator": "get update",
    },
    "frostline-webhook": {
        "releasegates.frostline.dev": WATCH,
        "events.events.k8s.io": "create",
        "secrets frostline-webhook-tls": WATCH,
    },
    "default": {},
}
"""What each service account may do in the release's namespace, beyond what everybody may."""

_LINE: Final = re.compile(r"^(\S*) +\[(.*?)\] +\[(.*?)\] +\[(.*?)\]$")


def listed(kubectl: Kubectl, account: str) -> dict[str, set[str]]:
    """Return what `kubectl auth can-i --list` says of resources: verbs by "RESOURCE" or "RESOURCE NAME"."""
    who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    found: dict[str, set[str]] = {}
    for line in kubectl("auth", "can-i", "--list", who, "-n", NAMESPACE).stdout.splitlines()[1:]:
        read = _LINE.match(line)
        assert read is not None, line
        resource, _, named, verbs = read.groups()
        for name in named.split() or ("",) if resource else ():
            found.setdefault(f"{resource} {name}".strip(), set()).update(verbs.split())
    return found


@pytest.mark.parametrize("account", MAY)
def test_a_service_account_may_do_what_the_security_page_lists_and_no_more(
    kubectl: Kubectl, release: Release, prometheus: str, account: str
) -> None:
    release.install(prometheus, FAST)
    everybody = listed(kubectl, "nobody-by-this-name")

    may = {resource: verbs for resource, verbs in listed(kubectl, account).items() if resource not in everybody}

    assert may == {resource: set(verbs.split()) for resource, verbs in MAY[account].items()}


@dataclass(frozen=True)
class Editor:
    """Who edits the namespace of a frozen workload: by Kubernetes' own role `edit`, and nothing else."""

    kubectl: Kubectl
    workload: str

    def __call__(self, *arguments: str) -> str:
        """Run kubectl in that namespace; return what it says where it fails, "" where it does not."""
        given = exception(self.workload) if "-" in arguments else None
        done = self.kubectl(*arguments, input=given, check=False)
        return "" if done.returncode == 0 else done.stderr


@pytest.fixture
def editor(kubectl: Kubectl, release: Release, prometheus: str, spent: Spent, tmp_path: Path) -> Editor:
    """Give a frozen workload, and who edits its namespace."""
    release.install(prometheus, FAST)
    kubectl("create", "serviceaccount", EDITOR, "-n", spent.name)
    account = f"--serviceaccount={spent.name}:{EDITOR}"
    kubectl("create", "rolebinding", EDITOR, "--clusterrole=edit", account, "-n", spent.name)
    token = kubectl("create", "token", EDITOR, "-n", spent.name).stdout.strip()
    site = release.cluster.site
    config = kubeconfig.render(EDITOR, kubeconfig.current_cluster(site.kubeconfig), {"token": token})
    config["contexts"][0]["context"]["namespace"] = spent.name
    kubeconfig.write(tmp_path / "kubeconfig", config)
    spent.freeze()
    return Editor(Kubectl(site.tool("kubectl"), tmp_path / "kubeconfig"), spent.name)


HELD, PROMISED, KEPT, FORBIDDEN = "admission webhook", "holds releases back", "deleting it is refused", "is forbidden"


def attempts(workload: str) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Return what an editor tries: by its name what kubectl says of it, "" where it passes, and what is typed."""
    deploy, slo, gate = f"deploy/{workload}", f"slo/{OBJECTIVE}", f"releasegate/deployment-{workload}"

    def patch(what: str, change: str, *more: str) -> tuple[str, ...]:
        return "patch", what, "--type=merge", f"-p={change}", DRY, *more

    return {
        "reads the promise": ("", ("get", slo)),
        "reads why": ("", ("describe", gate)),
        "scales": ("", ("scale", deploy, "--replicas=2", DRY)),
        "restarts": ("", ("rollout", "restart", deploy)),
        "gives more memory": ("", ("set", "resources", deploy, "--limits=memory=256Mi", DRY)),
        "goes back": ("", ("rollout", "undo", deploy, DRY)),
        "promises more": ("", patch(slo, '{"spec":{"objective":{"target":99.9}}}')),
        "releases": (HELD, ("set", "image", deploy, f"app={NEVER}", DRY)),
        "changes what it runs with": (HELD, ("set", "env", deploy, "FEATURE=on", DRY)),
        "deletes the workload": (KEPT, ("delete", deploy, DRY)),
        "deletes the promise": (PROMISED, ("delete", slo, DRY)),
        "promises less": (PROMISED, patch(slo, '{"spec":{"objective":{"target":50}}}')),
        "protects nothing": (PROMISED, patch(slo, '{"spec":{"protects":null}}')),
        "opens the gate": (FORBIDDEN, patch(gate, '{"spec":{"rule":"Warn"}}')),
        "deletes the gate": (FORBIDDEN, ("delete", gate, DRY)),
        "writes the status": (FORBIDDEN, patch(slo, '{"status":{"level":"Healthy"}}', "--subresource=status")),
        "declares an exception": (FORBIDDEN, ("create", "-f", "-", DRY)),
        "turns the namespace to Observe": (FORBIDDEN, ("label", "ns", workload, "frostline.dev/mode=Observe", DRY)),
        "deletes the policy": (FORBIDDEN, ("delete", "ebp/default", DRY)),
        "deletes the binding": (FORBIDDEN, ("delete", "validatingadmissionpolicybinding/frostline-freeze", DRY)),
        "deletes the webhook": (FORBIDDEN, ("delete", "mutatingwebhookconfiguration/frostline", DRY)),
        "reads the certificate's key": (FORBIDDEN, ("get", "secret/frostline-webhook-tls", f"-n={NAMESPACE}")),
        "takes the bypass on": (FORBIDDEN, ("get", slo, f"--as={EDITOR}", "--as-group=frostline:bypass")),
    }


def exception(workload: str) -> str:
    """Return the manifest of an override for the workload, in the editor's name."""
    spec = {
        "class": "Security",
        "reason": "tried",
        "workloads": [{"kind": "Deployment", "name": workload}],
        "expiresAt": "2100-01-01T00:00:00Z",
        "requestedBy": f"system:serviceaccount:{workload}:{EDITOR}",
    }
    return json.dumps(
        {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ReleaseOverride",
            "metadata": {"name": "tried", "namespace": workload},
            "spec": spec,
        }
    )


def test_who_edits_a_namespace_goes_back_and_repairs_but_neither_releases_nor_lifts(editor: Editor) -> None:
    come: dict[str, str] = {}
    for what, (expected, argv) in attempts(editor.workload).items():
        said = editor(*argv)
        come[what] = expected if expected and expected in said else said

    assert come == {what: expected for what, (expected, _) in attempts(editor.workload).items()}
