"""Gates on a real API server: what is written is what is read, so that nothing is written twice."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.operator_process import credentials_file, ensure_credentials
from e2e.cluster.waiting import eventually
from frostline.api.base import as_json
from frostline.controller.effects import ApiEffects
from frostline.controller.gates import Gates
from frostline.controller.gitops import GitOps
from frostline.controller.stores import Stores
from frostline.controller.tracking import begun
from frostline.controller.workloads import seen_workload
from frostline.core.gate import Workload
from frostline.core.projection import Shape, project
from frostline.kubernetes.connection import Cluster as Connection
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import WORKLOADS, Objects
from tests.controller.gate_specs import carried, claim, spec


def deployment(image: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": image,
        "env": [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": "1"}},
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    }
    template = {
        "metadata": {"labels": {"app": "gateway"}, "annotations": {"checksum/config": "1"}},
        "spec": {"containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "gateway"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "gateway"}}, "template": template},
    }


def test_a_gate_is_stored_as_it_was_written(cluster: Cluster, kubectl: RunsKubectl, namespace: str) -> None:
    for image in ("app:1", "app:2"):
        kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(deployment(image)))
        eventually(partial(has_revision, kubectl, namespace, image))

    ensure_credentials(cluster.site)

    async def written() -> None:
        async with await Connection(kubeconfig=credentials_file(cluster.site)).connect() as api:
            stores, objects = Stores(), Objects(api)
            gitops = GitOps(GitOpsObjects(objects), frozenset())
            effects = ApiEffects(objects, Recorder(objects, "test"), stores, gitops)
            found = await objects.get(WORKLOADS["Deployment"], namespace, "gateway")
            assert found is not None
            seen = seen_workload(found)
            templates = await effects.templates(seen)
            assert templates is not None
            running, earlier = templates
            shape = Shape()
            held = begun(
                spec(
                    by=[claim(lifts_about="2027-01-15T09:00:00+00:00"), claim("mild", level="Depleting", rule="Warn")],
                    overrides=[carried(template=project(running, shape), used=True, single_use=True)],
                ),
                project(running, shape),
                [(source, project(template, shape)) for source, template in earlier],
            )
            assert [each.source for each in held.good] == ["revision 1"]
            workload = Workload(namespace, "Deployment", "gateway")
            assert await effects.write_gate(workload, as_json(held), None)
            stored = Gates(stores.gates).get(workload)
            assert stored is not None
            assert stored.spec == held

    asyncio.run(written())


def has_revision(kubectl: RunsKubectl, namespace: str, image: str) -> bool:
    """Return whether the controller has made a revision of the image."""
    found = json.loads(kubectl("get", "rs", "-n", namespace, "-o", "json").stdout)["items"]
    return image in [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in found]


@pytest.mark.parametrize(("hold", "said"), [("24h", ""), ("1d", ""), ("25h", "at most 1d"), ("soon", "whole number")])
def test_the_api_server_refuses_holds_that_are_not_remembered(kubectl: RunsKubectl, hold: str, said: str) -> None:
    policy = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ErrorBudgetPolicy",
        "metadata": {"name": "holding"},
        "spec": {"lift": {"hold": hold}},
    }

    answer = kubectl("apply", "--dry-run=server", "-f", "-", input=json.dumps(policy), check=False)

    assert (answer.returncode == 0) is (said == "")
    assert said in answer.stderr
