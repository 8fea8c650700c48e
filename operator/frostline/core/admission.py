"""The objects of admission control that the operator makes once all they need is there.

Policies without a parameter, and the policies that these bindings bind, are in the chart. A binding whose parameter
kind the API server does not know yet refuses every change of the bound kinds: hence not there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from frostline import names

Manifest = Mapping[str, Any]

BINDING: Final = "ValidatingAdmissionPolicyBinding"
CONFIGURATION: Final = "MutatingWebhookConfiguration"
WORKLOADS: Final = ("deployments", "statefulsets", "daemonsets")

_API_VERSION: Final = "admissionregistration.k8s.io/v1"
_WEBHOOK_TIMEOUT_S: Final = 2
_HTTPS: Final = 443
_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
_SYSTEM: Final = "kube-system"


def binding(policy: names.Admission) -> Manifest:
    """Return the binding of a policy that has the release gates of the request's namespace as parameter."""
    return _bound(policy, ["Deny", "Audit"], absent="Allow")


def probe_binding() -> Manifest:
    """Return the binding of the probe's policy.

    Our namespace has no gate: the API server refuses for that very reason as soon as it knows the kind.
    """
    return _bound(names.Admission.PROBE, ["Deny"], absent="Deny")


def _bound(policy: names.Admission, actions: list[str], *, absent: str) -> Manifest:
    return {
        "apiVersion": _API_VERSION,
        "kind": BINDING,
        "metadata": _metadata(policy),
        "spec": {
            "policyName": str(policy),
            "validationActions": actions,
            "paramRef": {"selector": {}, "parameterNotFoundAction": absent},
        },
    }


def webhook_configuration(client_config: Mapping[str, Any], *, alone: bool = False) -> Manifest:
    """Return the configuration of the webhook: heard before the policy, and never missed when it is away.

    `client_config` says where it is: {service: {namespace, name, path, port}} or {url}, and caBundle.
    `alone`: the API server has no admission policies, so under Freeze it refuses while the webhook is away. What
    the API server would fill in is written out, so that a difference is somebody's change.
    """
    if not alone:
        return _configured([_webhook(names.Admission.WEBHOOK, "Ignore", client_config, [], [])])
    frozen = {"key": str(names.Label.RELEASES), "operator": "In", "values": ["Freeze"]}
    looser = {"key": str(names.Label.RELEASES), "operator": "NotIn", "values": ["Freeze"]}
    # A webhook that refuses while it is away must not hold up its own start.
    ours = [_SYSTEM, *filter(None, [client_config.get("service", {}).get("namespace")])]
    elsewhere = [{"key": _NAMESPACE_NAME, "operator": "NotIn", "values": ours}]
    return _configured(
        [
            _webhook(names.Admission.WEBHOOK, "Ignore", client_config, [looser], elsewhere),
            _webhook(names.Admission.FREEZE_WEBHOOK, "Fail", client_config, [frozen], elsewhere),
        ]
    )


def _configured(webhooks: list[Manifest]) -> Manifest:
    return {
        "apiVersion": _API_VERSION,
        "kind": CONFIGURATION,
        "metadata": _metadata(names.Admission.WEBHOOK_CONFIGURATION),
        "webhooks": webhooks,
    }


def _webhook(
    name: names.Admission,
    failure_policy: str,
    client_config: Mapping[str, Any],
    marked: Sequence[Manifest],
    elsewhere: Sequence[Manifest],
) -> Manifest:
    where = dict(client_config)
    if "service" in where:
        where["service"] = {"port": _HTTPS} | where["service"]
    return {
        "name": str(name),
        "admissionReviewVersions": ["v1"],
        "sideEffects": "NoneOnDryRun",
        "failurePolicy": failure_policy,
        "timeoutSeconds": _WEBHOOK_TIMEOUT_S,
        "matchPolicy": "Equivalent",
        "reinvocationPolicy": "Never",
        "namespaceSelector": {"matchExpressions": list(elsewhere)} if elsewhere else {},
        "objectSelector": {"matchExpressions": [{"key": str(names.Label.RELEASES), "operator": "Exists"}, *marked]},
        "matchConditions": [
            {"name": "template-changed", "expression": "object.spec.template != oldObject.spec.template"}
        ],
        "rules": [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["v1"],
                "operations": ["UPDATE"],
                "resources": list(WORKLOADS),
                "scope": "Namespaced",
            }
        ],
        "clientConfig": where,
    }


def _metadata(name: names.Admission) -> dict[str, Any]:
    # The probe's binding is no gate: the kill switch has no business with it, and it goes by itself.
    labels = {} if name is names.Admission.PROBE else {str(names.Label.ARMED): "true"}
    return {"name": str(name), "labels": labels}


def merge_patch(live: Manifest, wanted: Manifest) -> dict[str, Any]:
    """Return the JSON merge patch that makes `live` have the content of `wanted`; empty when it has.

    Of the metadata only labels of ours count; everything else is compared in full, so that what others added goes.
    """
    patch = {
        key: _exactly(live.get(key), value)
        for key, value in wanted.items()
        if key != "metadata" and live.get(key) != value
    }
    labels = {
        key: value
        for key, value in wanted["metadata"]["labels"].items()
        if (live["metadata"].get("labels") or {}).get(key) != value
    }
    return patch | ({"metadata": {"labels": labels}} if labels else {})


def _exactly(live: object, wanted: object) -> object:
    """Return what to merge into `live` to have `wanted` and nothing else: null takes away."""
    if not (isinstance(live, Mapping) and isinstance(wanted, Mapping)):
        return wanted
    removed = dict.fromkeys(key for key in live if key not in wanted)
    return removed | {key: _exactly(live.get(key), value) for key, value in wanted.items()}
