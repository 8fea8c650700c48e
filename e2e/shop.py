"""What a person sees and does with kubectl in a namespace whose workloads are protected by promises."""

import json
import subprocess
from typing import Any

from e2e.cluster.fixtures import RunsKubectl
from e2e.service import apply, deployment

FAST = ("--cycle-interval", "2s", "--query-offset", "1s")
BYPASS = ("--as=kubernetes-admin", "--as-group=system:masters", "--as-group=frostline:bypass")
QUICK = {"spec": {"lift": {"hold": "5s"}, "hysteresis": {"hold": "5s"}}}
GATEWAY = {"kind": "Deployment", "name": "gateway"}
NEVER = "never:1"
"""An image that no test releases."""


class Shop:
    """One namespace, as the administrator sees it."""

    def __init__(self, kubectl: RunsKubectl, namespace: str) -> None:
        self.kubectl = kubectl
        self.namespace = namespace

    def run(
        self, *arguments: str, check: bool = True, manifest: dict[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the namespace; `manifest` is for `-f -`."""
        given = None if manifest is None else json.dumps(manifest)
        return self.kubectl(*arguments, "-n", self.namespace, check=check, input=given)

    def release(self, image: str, *more: str, name: str = "gateway") -> str:
        """Set an image; return what kubectl says where it is refused, "" where it is not."""
        done = self.run("set", "image", f"deploy/{name}", f"app={image}", *more, check=False)
        return "" if done.returncode == 0 else str(done.stderr)

    def refusal(self, name: str = "gateway") -> str:
        """Return why a release would be refused, "" where it would pass; nothing is stored."""
        return self.release(NEVER, "--dry-run=server", name=name)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return what is there."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "-o", "json").stdout)
        return found

    def gates(self) -> dict[str, dict[str, Any]]:
        """Return the gates' specs by name."""
        return {each["metadata"]["name"]: each["spec"] for each in self.get("releasegates")["items"]}

    def holders(self, name: str = "gateway") -> set[str]:
        """Return the promises that hold a Deployment back."""
        gate = self.gates().get(f"deployment-{name}", {"by": []})
        return {each["objective"] for each in gate["by"] if each["rule"] in ("Slush", "Freeze")}

    def status(self, name: str = "availability") -> dict[str, Any]:
        """Return the status of an objective."""
        status: dict[str, Any] = self.get("slo", name).get("status", {})
        return status

    def condition(self, kind: str, name: str = "availability") -> dict[str, Any]:
        """Return one condition of an objective, {} where it has none such."""
        found = [each for each in self.status(name).get("conditions", ()) if each["type"] == kind]
        return dict(found[0]) if found else {}

    def image(self, name: str = "gateway") -> str:
        """Return the image that a Deployment shall run."""
        template = self.get("deploy", name)["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    def marks(self, name: str = "gateway") -> list[str]:
        """Return the names of our labels and annotations on a Deployment."""
        metadata = self.get("deploy", name)["metadata"]
        known = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
        return sorted(each for each in known if each.startswith("frostline.dev/"))

    def events(self, reason: str) -> list[str]:
        """Return the notes of Events."""
        found = self.get("events.events.k8s.io", "--field-selector", f"reason={reason}")["items"]
        return [each["note"] for each in found]

    def enforced(self) -> bool:
        """Say whether the admission policy looks at the namespace."""
        labels = json.loads(self.kubectl("get", "namespace", self.namespace, "-o", "json").stdout)["metadata"]["labels"]
        return "frostline.dev/enforced" in labels

    def deploy(self, name: str, image: str, **labels: str) -> None:
        """Deploy one image, with labels on the Deployment."""
        apply(self.kubectl, self.namespace, deployment(name, image, labels={"app": name} | labels))

    def revisions(self, *images: str, name: str = "gateway") -> None:
        """Deploy images one after the other, each a revision of its own."""
        self.deploy(name, images[0])
        for image in images[1:]:
            self.run("rollout", "status", f"deploy/{name}", "--timeout=60s")
            assert self.release(image, name=name) == ""
        self.run("rollout", "status", f"deploy/{name}", "--timeout=60s")

    def frozen(self, name: str = "gateway") -> bool:
        """Say whether a release would be refused."""
        return self.enforced() and bool(self.refusal(name))
