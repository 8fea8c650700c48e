"""The webhook's certificates, brought to an age at which the operator has something to do."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import OPERATOR, WEBHOOK, Release
from frostline import names
from frostline.controller.certificates import OVERLAP, ServerNames, Step, carried_out

SECRET = "frostline-webhook-tls"
_CONFIGURATION = ("mutatingwebhookconfiguration", str(names.Admission.WEBHOOK_CONFIGURATION))
WAIT_SECONDS = 60.0
_A_WHILE = OVERLAP + timedelta(minutes=1)


class Rotation:
    """Shifts the certificates in time while no operator runs; the steps themselves are the operator's."""

    def __init__(self, kubectl: Kubectl, release: Release) -> None:
        self._kubectl = kubectl
        self._release = release
        self._names = ServerNames.of_service(WEBHOOK, release.namespace)
        self._aged: dict[str, bytes] = {}

    def age(self) -> None:
        """Replace authority and leaf by an authority of 300 days ago and a leaf of yesterday, as if always in use."""
        self._stop_operator()
        now = datetime.now(UTC)
        old = carried_out(Step.CREATE, {}, self._names, now - timedelta(days=300))
        self._aged = carried_out(Step.ISSUE, old, self._names, now - timedelta(days=1))
        # First the API server trusts both, then the leaf changes.
        self._publish(self._aged["ca.crt"] + self.secret()["ca.crt"])
        self._write(self._aged)
        eventually(self.is_served, WAIT_SECONDS, self.describe)
        self._publish(self._aged["ca.crt"])

    def let_operator(self, step: Step) -> None:
        """Bring the time of a step about, and have an operator look."""
        self._stop_operator()
        ago = datetime.now(UTC) - _A_WHILE
        if step is Step.ISSUE:
            announced = carried_out(Step.ANNOUNCE, self._aged, self._names, ago)
            self._publish(announced["ca.crt"])
            self._write(announced)
        if step is Step.RETIRE:
            self._write(carried_out(Step.ISSUE, self.secret(), self._names, ago))
            eventually(self.is_served, WAIT_SECONDS, self.describe)
        self._scale_operator(1)
        self._release.rolled_out(OPERATOR)

    def secret(self) -> dict[str, bytes]:
        """Return what the Secret holds."""
        text = self._kubectl("get", "secret", SECRET, "-n", self._release.namespace, "-o", "json").stdout
        return {key: base64.b64decode(each) for key, each in json.loads(text)["data"].items()}

    def trusts(self, authorities: int) -> bool:
        """Say whether the API server trusts so many authorities, and they are those of the Secret."""
        bundle = self._bundle()
        return bundle == self.secret()["ca.crt"] and bundle.count(b"BEGIN CERTIFICATE") == authorities

    def is_served(self) -> bool:
        """Say whether every webhook shows the leaf of the Secret."""
        leaf = x509.load_pem_x509_certificate(self.secret()["tls.crt"])
        return all(
            self._expiry(pod["metadata"]["name"]) == leaf.not_valid_after_utc for pod in self._release.pods("webhook")
        )

    def describe(self) -> str:
        """Tell what there is."""
        held = self.secret()
        return f"{held['ca.crt'].count(b'BEGIN')} authorities in the Secret, {self._bundle().count(b'BEGIN')} published"

    def _expiry(self, pod: str) -> datetime:
        """Return when the certificate ends that a webhook shows."""
        path = f"/api/v1/namespaces/{self._release.namespace}/pods/{pod}:8081/proxy/metrics"
        text = self._kubectl("get", f"--raw={path}").stdout
        found = re.search(rf"^{names.WebhookMetric.CERTIFICATE_EXPIRY} (\S+)$", text, re.MULTILINE)
        assert found, "the webhook does not tell when its certificate ends"
        return datetime.fromtimestamp(float(found[1]), UTC)

    def _bundle(self) -> bytes:
        found = json.loads(self._kubectl("get", *_CONFIGURATION, "-o", "json").stdout)
        return base64.b64decode(found["webhooks"][0]["clientConfig"]["caBundle"])

    def _publish(self, bundle: bytes) -> None:
        change = {"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": _text(bundle)}
        self._kubectl("patch", *_CONFIGURATION, "--type=json", f"--patch={json.dumps([change])}")

    def _write(self, data: Mapping[str, bytes]) -> None:
        change = {"data": {key: _text(each) for key, each in data.items()}}
        place = ("-n", self._release.namespace, "--type=merge")
        self._kubectl("patch", "secret", SECRET, *place, f"--patch={json.dumps(change)}")

    def _stop_operator(self) -> None:
        self._scale_operator(0)
        eventually(lambda: not self._release.pods("operator"), WAIT_SECONDS, "the operator ends")

    def _scale_operator(self, replicas: int) -> None:
        self._kubectl("scale", f"deploy/{OPERATOR}", f"--replicas={replicas}", "-n", self._release.namespace)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
