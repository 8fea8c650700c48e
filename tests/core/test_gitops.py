from typing import Any

import pytest

from frostline.core.gitops import Controller, Owner, owner_of, retry

HELM, KUSTOMIZE = "helm.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"
TRACKING = "argocd.argoproj.io/tracking-id"
RELEASE = Owner(Controller.HELM_RELEASE, "flux-system", "shop")
KUSTOMIZATION = Owner(Controller.KUSTOMIZATION, "flux-system", "apps")
APPLICATION = Owner(Controller.APPLICATION, "argocd", "shop")


def flux(group: str, name: str) -> dict[str, str]:
    return {f"{group}/name": name, f"{group}/namespace": "flux-system"}


def metadata(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"namespace": "dating", "name": "web", "labels": labels, "annotations": annotations}


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        pytest.param(None, None, None, id="nobody"),
        pytest.param({"app": "web"}, {"team": "web"}, None, id="nobody that we know"),
        pytest.param(flux(KUSTOMIZE, "apps"), None, KUSTOMIZATION, id="Kustomization"),
        pytest.param(flux(HELM, "shop"), None, RELEASE, id="HelmRelease"),
        pytest.param(flux(HELM, "shop") | flux(KUSTOMIZE, "apps"), None, RELEASE, id="the nearer of two"),
        pytest.param({f"{KUSTOMIZE}/name": "apps"}, None, None, id="half a label"),
        pytest.param(None, {TRACKING: "shop:apps/Deployment:dating/web"}, APPLICATION, id="Application"),
        pytest.param(
            None,
            {TRACKING: "teams_shop:apps/Deployment:dating/web"},
            Owner(Controller.APPLICATION, "teams", "shop"),
            id="Application of another namespace",
        ),
        pytest.param(None, {TRACKING: "shop:apps/Deployment:other/web"}, None, id="a copied tracking id"),
        pytest.param(None, {TRACKING: "shop"}, None, id="no tracking id"),
        pytest.param(
            {"app.kubernetes.io/instance": "shop"},
            None,
            Owner(Controller.APPLICATION, "argocd", "shop", guessed=True),
            id="the instance label",
        ),
        pytest.param(
            flux(KUSTOMIZE, "apps") | {"app.kubernetes.io/instance": "shop"}, None, KUSTOMIZATION, id="Flux and a label"
        ),
    ],
)
def test_owner(labels: dict[str, str] | None, annotations: dict[str, str] | None, owner: Owner | None) -> None:
    assert owner_of(metadata(labels, annotations), "argocd") == owner


def test_a_kustomization_is_asked_by_annotation() -> None:
    assert retry(KUSTOMIZATION, {}, "t") == {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "t"}}}


def test_a_helm_release_forgets_its_failures() -> None:
    annotations = retry(RELEASE, {}, "t")["metadata"]["annotations"]

    assert annotations == {"reconcile.fluxcd.io/requestedAt": "t", "reconcile.fluxcd.io/resetAt": "t"}


def application(policy: dict[str, Any] | None, phase: str | None, **more: Any) -> dict[str, Any]:
    return {"spec": {"syncPolicy": policy}, "status": {"operationState": {"phase": phase}}, **more}


@pytest.mark.parametrize(
    "live",
    [
        pytest.param({}, id="new"),
        pytest.param(application(None, "Failed"), id="synced by hand"),
        pytest.param(application({"automated": {"enabled": False}}, "Failed"), id="automation off"),
        pytest.param(application({"automated": {}}, "Succeeded"), id="last sync fine"),
        pytest.param(application({"automated": {}}, "Running"), id="at it"),
        pytest.param(application({"automated": {}}, "Failed", operation={"sync": {}}), id="asked already"),
    ],
)
def test_an_application_is_refreshed(live: dict[str, Any]) -> None:
    assert retry(APPLICATION, live, "t") == {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}


def test_an_automatic_sync_that_failed_is_run_again_as_it_would_have_been() -> None:
    policy = {"automated": {"prune": True}, "syncOptions": ["ServerSideApply=true"], "retry": {"limit": 2}}

    patch = retry(APPLICATION, application(policy, "Failed"), "t")

    assert patch["operation"] == {
        "initiatedBy": {"username": "frostline"},
        "sync": {"prune": True, "syncOptions": ["ServerSideApply=true"]},
        "retry": {"limit": 2},
    }
    assert patch["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "normal"}


def test_an_automatic_sync_without_pruning_prunes_nothing() -> None:
    assert retry(APPLICATION, application({"automated": {}}, "Error"), "t")["operation"]["sync"] == {}
