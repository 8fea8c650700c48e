"""Takes away what operators armed, and the memory of it, so that the next one arms anew."""

from e2e.api import Api
from e2e.cluster.cluster import Cluster
from frostline.names import Admission, Label, Memory

_GROUP = "/apis/admissionregistration.k8s.io/v1"


def disarm(cluster: Cluster) -> None:
    """Leave no binding, no webhook configuration and no memory of them."""
    api = Api(cluster)
    for what in ("validatingadmissionpolicybindings", "mutatingwebhookconfigurations"):
        api("DELETE", f"{_GROUP}/{what}?labelSelector={Label.ARMED}")
    api("DELETE", f"{_GROUP}/validatingadmissionpolicybindings/{Admission.PROBE}")
    forgotten = {"metadata": {"annotations": {str(each): None for each in Memory}}}
    policy = f"{_GROUP}/validatingadmissionpolicies/{Admission.FREEZE}"
    done = api("PATCH", policy, forgotten, kind="application/merge-patch+json")
    api.close()
    assert done.status == 200, done.message
