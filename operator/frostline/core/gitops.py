"""Which GitOps controller applies a workload, and how to ask it to try again after a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Manifest = Mapping[str, Any]

_FLUX_SUFFIX: Final = "toolkit.fluxcd.io"
_REQUESTED: Final = "reconcile.fluxcd.io/requestedAt"
_RESET: Final = "reconcile.fluxcd.io/resetAt"
_TRACKING: Final = "argocd.argoproj.io/tracking-id"
_INSTANCE: Final = "app.kubernetes.io/instance"
_REFRESH: Final = "argocd.argoproj.io/refresh"
_FAILED: Final = ("Failed", "Error")


class Tool(StrEnum):
    """GitOps tools that can be asked."""

    FLUX = "flux"
    ARGOCD = "argocd"


class Controller(StrEnum):
    """Kinds of objects that apply workloads, as PLURAL.GROUP."""

    KUSTOMIZATION = f"kustomizations.kustomize.{_FLUX_SUFFIX}"
    HELM_RELEASE = f"helmreleases.helm.{_FLUX_SUFFIX}"
    APPLICATION = "applications.argoproj.io"

    @property
    def tool(self) -> Tool:
        """Whose it is."""
        return Tool.ARGOCD if self is Controller.APPLICATION else Tool.FLUX


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that a workload is applied from. `guessed`: by a label that others use, too."""

    controller: Controller
    namespace: str
    name: str
    guessed: bool = False

    def __str__(self) -> str:
        return f"{self.controller.partition('.')[0]}/{self.name} in {self.namespace}"


def owner_of(metadata: Mapping[str, Any], argocd_namespace: str) -> Owner | None:
    """Return what applies the workload with this metadata, None when nothing says so.

    Applications are in `argocd_namespace`, unless the tracking id names another.
    """
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for controller in (Controller.HELM_RELEASE, Controller.KUSTOMIZATION):
        group = controller.partition(".")[2]
        name, namespace = labels.get(f"{group}/name"), labels.get(f"{group}/namespace")
        if name and namespace:
            return Owner(controller, namespace, name)
    application, _, tracked = annotations.get(_TRACKING, "").partition(":")
    # An annotation that was copied along with a manifest names another object.
    if application and tracked.endswith(f":{metadata['namespace']}/{metadata['name']}"):
        namespace, underscore, name = application.partition("_")
        return Owner(Controller.APPLICATION, *((namespace, name) if underscore else (argocd_namespace, application)))
    instance = labels.get(_INSTANCE)
    return Owner(Controller.APPLICATION, argocd_namespace, instance, guessed=True) if instance else None


def retry(owner: Owner, live: Manifest, token: str) -> dict[str, Any]:
    """Return the merge patch that has `owner` try again; `token` differs from that of any request before."""
    if owner.controller is Controller.APPLICATION:
        return _retry_application(live)
    annotations = {_REQUESTED: token}
    if owner.controller is Controller.HELM_RELEASE:
        # A release that is out of retries does nothing when asked, unless its failures are forgotten.
        annotations[_RESET] = token
    return {"metadata": {"annotations": annotations}}


def _retry_application(live: Manifest) -> dict[str, Any]:
    patch: dict[str, Any] = {"metadata": {"annotations": {_REFRESH: "normal"}}}
    policy = live.get("spec", {}).get("syncPolicy") or {}
    automated = policy.get("automated")
    phase = (live.get("status", {}).get("operationState") or {}).get("phase")
    if automated is None or automated.get("enabled") is False or phase not in _FAILED or live.get("operation"):
        return patch
    # An automatic sync that failed is not tried again for the same commit: this is the sync it would have been.
    sync = {"prune": automated.get("prune"), "syncOptions": policy.get("syncOptions")}
    operation: dict[str, Any] = {
        "initiatedBy": {"username": "frostline"},
        "sync": {key: value for key, value in sync.items() if value},
    }
    if policy.get("retry"):
        operation["retry"] = policy["retry"]
    return {**patch, "operation": operation}
