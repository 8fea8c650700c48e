"""The objects of admission control that the operator makes once all they need is there.

Policies without a parameter, and the policies that these bindings bind, are in the chart. A binding whose parameter
kind the API server does not know yet refuses every change of the bound kinds: hence not there.
"""

from collections.abc import Mapping
from typing import Any, Final

from frostline import names

Manifest = dict[str, Any]

WORKLOADS: Final = ("deployments", "statefulsets", "daemonsets")
_WEBHOOK_TIMEOUT_S: Final = 2


def binding(policy: names.Admission) -> Manifest:
    """Return the binding of a policy that has the release gates of the request's namespace as parameter."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": str(policy)},
        "spec": {
            "policyName": str(policy),
            "validationActions": ["Deny", "Audit"],
            "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
        },
    }


def webhook_configuration(client_config: Mapping[str, Any]) -> Manifest:
    """Return the configuration of the webhook: heard before the policy, and never missed when it is away.

    `client_config` says where it is: {service: {namespace, name, path, port}} or {url}, and caBundle.
    """
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": str(names.Admission.WEBHOOK_CONFIGURATION)},
        "webhooks": [
            {
                "name": str(names.Admission.WEBHOOK),
                "admissionReviewVersions": ["v1"],
                "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Ignore",
                "timeoutSeconds": _WEBHOOK_TIMEOUT_S,
                "matchPolicy": "Equivalent",
                "reinvocationPolicy": "Never",
                "objectSelector": {"matchExpressions": [{"key": str(names.Label.RELEASES), "operator": "Exists"}]},
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
                "clientConfig": dict(client_config),
            }
        ],
    }
