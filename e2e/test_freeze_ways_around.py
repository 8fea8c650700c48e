"""Ways around a freeze, tried by those who have every right: each is refused, and passes with the bypass, on record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.api import OPERATOR, Api, gates, workloads
from e2e.audit_log import AuditLog, Entry
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import deployment
from e2e.shop import Shop
from e2e.ways_around import HELD, WAYS, Way
from frostline.names import BYPASS_GROUP

OURS = "/apis/frostline.dev/v1alpha1"
NOT_TO_BE_CREATED = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
ACTORS = ("admin", "gitops")
BYPASS = "--as-group=frostline:bypass"


@pytest.fixture
def actors(kubectl: RunsKubectl, people: Shop) -> Iterator[dict[str, tuple[str, ...]]]:
    """Give the flags by which kubectl is an administrator, and a GitOps tool that may do everything."""
    account = f"system:serviceaccount:{people.namespace}:gitops"
    kubectl("create", "clusterrolebinding", people.namespace, "--clusterrole=cluster-admin", f"--user={account}")
    yield {"admin": ("--as=root", "--as-group=system:masters"), "gitops": (f"--as={account}",)}
    kubectl("delete", "clusterrolebinding", people.namespace)


class Kept:
    """Objects as they were, to be put back whatever was done to them."""

    def __init__(self, api: Api, *paths: str) -> None:
        self._api = api
        self._before = {path: api("GET", path).body for path in paths}

    def put_back(self) -> None:
        """Write each as it was, with its status, as the operator and past all gates."""
        for path, before in self._before.items():
            if self._api("GET", path).status == 404:
                metadata = {key: each for key, each in before["metadata"].items() if key not in NOT_TO_BE_CREATED}
                self._write("POST", path.rpartition("/")[0], {**before, "metadata": metadata})
            else:
                self._overwrite(path, "", before)
            if "status" in before and path.startswith(OURS):
                self._overwrite(path, "/status", before)

    def _overwrite(self, path: str, subresource: str, before: Mapping[str, Any]) -> None:
        def written() -> bool:
            live = self._api("GET", path).body["metadata"]
            now = {key: live[key] for key in ("uid", "resourceVersion")}
            # Controllers write as well.
            return self._write("PUT", path + subresource, {**before, "metadata": {**before["metadata"], **now}}) != 409

        eventually(written, 10, path)

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> int:
        written = self._api(method, path, body, user=OPERATOR, groups=("system:masters", BYPASS_GROUP))
        assert written.status in (200, 201, 409), written.message
        return written.status


@dataclass(frozen=True)
class Scene:
    """A frozen gateway that nobody but the test writes, and the log of what it does."""

    people: Shop
    policy: str
    kept: Kept
    log: AuditLog


@pytest.fixture
def scene(cluster: Cluster, people: Shop, held: OperatorProcess, quick: str, api: Api) -> Scene:
    eventually(lambda: people.status().get("releases") == "Freeze", 30, "the promise knows that it holds back")
    eventually(lambda: people.get("ebp", quick)["status"].get("holding"), 30, "the policy knows that it holds back")
    # It would put right at once what is done.
    held.kill()
    kept = Kept(
        api,
        workloads(people.namespace, "Deployment", "gateway"),
        gates(people.namespace, "deployment-gateway"),
        f"{OURS}/namespaces/{people.namespace}/servicelevelobjectives/availability",
        f"{OURS}/errorbudgetpolicies/{quick}",
        f"/api/v1/namespaces/{people.namespace}",
    )
    return Scene(people, quick, kept, AuditLog(cluster))


@pytest.mark.parametrize("actor", ACTORS)
def test_each_is_refused_and_passes_with_the_bypass_on_record(
    actor: str, scene: Scene, actors: dict[str, tuple[str, ...]], held: OperatorProcess
) -> None:
    people, wrong = scene.people, {}

    for name, each in WAYS.items():
        way = each.meant(scene.policy, people.namespace)
        eventually(people.refusal, 10, "the freeze stands")
        scene.log.news()
        for flag, verdict in (((), way.guard.refuses), ((BYPASS,), "Bypass")):
            for dry in (("--dry-run=server",), ()):
                done = people.run(*way.typed, *actors[actor], *flag, *dry, check=False)
                passed, told = done.returncode == 0, way.says in done.stderr
                if passed != (verdict == "Bypass") or told == passed:
                    wrong[f"{name} {flag} {dry}"] = done.stderr
            entries = scene.log.news()
            if sum(_is_on_record(entry, way, verdict, actors[actor]) for entry in entries) != 2:
                wrong[f"{name} {flag}, the record"] = str(entries)
        scene.kept.put_back()

    assert not wrong, wrong
    held.start()
    eventually(people.frozen, 30, "the operator, too, goes on as before")


def _is_on_record(entry: Entry, way: Way, verdict: str, actor: tuple[str, ...]) -> bool:
    """Say whether the log tells who did what, taking on whom, and what our policy thought of it."""
    return (
        (entry.by, entry.as_) == ("frostline-admin", actor[0].removeprefix("--as="))
        and entry.bypass is (verdict == "Bypass")
        and (entry.status < 300) is entry.bypass
        and way.guard.notes(way.operation, verdict).items() <= entry.notes.items()
    )


def test_what_a_tool_applies_is_refused_and_by_the_bypass_is_on_record(
    people: Shop, held: OperatorProcess, actors: dict[str, tuple[str, ...]]
) -> None:
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-", *actors["gitops"])
    release = deployment("gateway", "app:4", labels={"app": "gateway"})
    assert HELD in people.run(*apply, check=False, manifest=release).stderr
    replace = ("replace", "-f", "-", *actors["gitops"])
    assert HELD in people.run(*replace, check=False, manifest=release).stderr
    assert people.image() == "app:3"

    # While nothing of ours runs, what goes by the bypass is found afterwards.
    held.kill()
    people.run(*apply, BYPASS, manifest=release)
    assert people.image() == "app:4"
    held.start()

    (note,) = eventually(lambda: people.events("UnrecordedRelease"), 60)
    assert "image of container app" in note
    assert people.release("app:5")
