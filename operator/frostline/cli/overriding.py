"""What frostline override does: a ReleaseOverride in the caller's name, checked, created, and awaited."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.api.base import as_json
from frostline.cli.likeness import projection_of
from frostline.cli.talking import RefusedError, say
from frostline.core.gate import gate_name
from frostline.core.policy import OverrideClass, Rule
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.resource import GATES, OVERRIDES, Manifest, Objects, Resource, reason_of

_REVIEWS: Final = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", namespaced=False)
_ROLE: Final = "frostline-override"
_ACCOUNT: Final = "system:serviceaccount:"
_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.5
_LONGEST_PREFIX: Final = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for.

    Attributes:
        namespace: None for that of the kubeconfig's context.
        workloads: kind and name of each.
        until: when it ends.
        images, users: empty for any image, and for the caller alone.
        like: manifest with the one pod template that may be released.
        name: None to have one made up.
        dry_run: have it checked by the API server, create nothing.
        print_only: print the manifest, create nothing.
    """

    namespace: str | None
    workloads: tuple[tuple[str, str], ...]
    override_class: OverrideClass
    reason: str
    until: datetime
    ticket: str | None = None
    images: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    single_use: bool = False
    like: Path | None = None
    name: str | None = None
    dry_run: bool = False
    print_only: bool = False


async def override(objects: Objects, cluster: Cluster, asked: Asked, patience_s: float = _PATIENCE_S) -> int:
    """Create the override, wait until it counts, and return 0.

    Raises:
        RefusedError: it cannot be had, or does not count within `patience_s`; says why.
        frostline.kubernetes.connection.NoClusterError: no namespace is given and no kubeconfig names one.
        kubernetes.aio.client.ApiException: the API server refused for another reason.
    """
    namespace = asked.namespace or cluster.namespace()
    gates = [await _gate(objects, namespace, each) for each in asked.workloads]
    if not asked.print_only and not any(gates) and None not in gates:
        which = " and ".join(_called(each) for each in asked.workloads)
        print(f"nothing holds back {which} in {namespace}: release right away; no override was created")
        return 0
    for workload, gate in zip(asked.workloads, gates, strict=True):
        _check_class(asked.override_class, _called(workload), gate)
    manifest = await _manifest(objects, namespace, asked, gates)
    if asked.print_only:
        print(yaml.safe_dump(manifest, sort_keys=False), end="")
        return 0
    created = await _create(objects, manifest, dry_run=asked.dry_run)
    name = created["metadata"]["name"]
    if asked.dry_run:
        print(f"releaseoverride/{name} is in order; it was not created")
        return 0
    say(f"releaseoverride/{name} created in {namespace}; waiting until it counts")
    until = await _live(objects, namespace, name, patience_s)
    print(_next(created, name, until))
    return 0


async def _gate(objects: Objects, namespace: str, workload: tuple[str, str]) -> Manifest | None:
    """Return the gate of a workload, empty when there is none, None when the user may not see."""
    try:
        return await objects.get(GATES, namespace, gate_name(*workload)) or {}
    except ApiException as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return None
        raise


def _check_class(wanted: OverrideClass, workload: str, gate: Manifest | None) -> None:
    if not gate or gate["spec"]["rule"] == Rule.WARN:
        return
    allowed = gate["spec"].get("overrideClasses") or []
    if wanted not in allowed:
        claim = gate["spec"]["by"][0]
        instead = f"use --class {' or '.join(allowed)}" if allowed else "no class does"
        raise RefusedError(
            f"class {wanted} does not let a release of {workload} pass while slo/{claim['objective']} is"
            f" {claim['level']}: {instead}; no override was created"
        )


async def _manifest(objects: Objects, namespace: str, asked: Asked, gates: list[Manifest | None]) -> dict[str, Any]:
    name = asked.workloads[0][1][:_LONGEST_PREFIX]
    metadata = {"name": asked.name} if asked.name else {"generateName": f"{name}-{asked.override_class.lower()}-"}
    spec: dict[str, Any] = {
        "class": asked.override_class.value,
        "reason": asked.reason,
        "ticket": asked.ticket,
        "workloads": [{"kind": kind, "name": name} for kind, name in asked.workloads],
        "expiresAt": as_json(asked.until),
        "requestedBy": await _whoami(objects),
        "users": list(asked.users),
        "images": list(asked.images),
        "singleUse": asked.single_use,
    }
    if asked.like is not None:
        if len(asked.workloads) > 1:
            raise RefusedError("--like goes with one workload: write an override for each")
        spec["template"] = await projection_of(objects, namespace, asked.workloads[0], asked.like, gates[0])
    return {
        "apiVersion": names.API_VERSION,
        "kind": str(names.Kind.RELEASE_OVERRIDE),
        "metadata": {**metadata, "namespace": namespace},
        "spec": {key: value for key, value in spec.items() if value},
    }


async def _whoami(objects: Objects) -> str:
    review = await objects.create(
        _REVIEWS, {"apiVersion": _REVIEWS.api_version, "kind": "SelfSubjectReview", "metadata": {}}
    )
    return str(review["status"]["userInfo"]["username"])


async def _create(objects: Objects, manifest: Manifest, *, dry_run: bool) -> Manifest:
    try:
        return await objects.create(OVERRIDES, manifest, dry_run=dry_run)
    except ApiException as error:
        raise RefusedError(_why(error, manifest)) from error


def _why(error: ApiException, manifest: Manifest) -> str:
    said, namespace, user = reason_of(error), manifest["metadata"]["namespace"], manifest["spec"]["requestedBy"]
    match error.status:
        case HTTPStatus.FORBIDDEN if "cannot create resource" in said:
            return (
                f"{user} may not create overrides in {namespace}. Ask somebody who administers it for:\n"
                f"  kubectl create rolebinding {_ROLE} -n {namespace} --clusterrole={_ROLE} {_subject(user)}"
            )
        case HTTPStatus.NOT_FOUND if "namespaces" in said:
            return f"there is no namespace {namespace}"
        case HTTPStatus.NOT_FOUND:
            return f"the API server does not know {names.Kind.RELEASE_OVERRIDE}: is the chart installed?"
        case HTTPStatus.CONFLICT:
            return f"there is a releaseoverride/{manifest['metadata'].get('name')} in {namespace}: take another --name"
    return f"the override was not taken: {said}"


def _subject(user: str) -> str:
    account = user.removeprefix(_ACCOUNT)
    return f"--user={user}" if account == user else f"--serviceaccount={account}"


async def _live(objects: Objects, namespace: str, name: str, patience_s: float) -> str:
    """Return until when the override counts, as soon as it does."""
    deadline = time.monotonic() + patience_s
    shown = ""
    while time.monotonic() < deadline:
        found = await objects.get(OVERRIDES, namespace, name)
        if found is None:
            raise RefusedError(f"releaseoverride/{name} is gone: somebody deleted it")
        status: Mapping[str, Any] = found.get("status") or {}
        live = _condition(status)
        if live.get("status") == "True":
            return str(status.get("until") or found["spec"]["expiresAt"])
        if live.get("status") == "False" and live.get("reason") != names.Reason.PENDING:
            raise RefusedError(
                f"releaseoverride/{name} does not count: {live.get('message') or live.get('reason')}\n"
                f"  take it away with: kubectl delete releaseoverride {name} -n {namespace}"
            )
        if live.get("message", shown) != shown:
            shown = live["message"]
            say(shown)
        await asyncio.sleep(_PAUSE_S)
    why = f"{shown}; the operator's log says why" if shown else "the operator has not seen it: is it running?"
    raise RefusedError(
        f"releaseoverride/{name} does not count yet after {patience_s:g} s: {why}\n"
        f"  it counts as soon as this says Live: kubectl get releaseoverride {name} -n {namespace} --watch"
    )


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [each for each in status.get("conditions") or () if each["type"] == names.Condition.LIVE]
    return found[0] if found else {}


def _next(created: Manifest, name: str, until: str) -> str:
    spec, namespace = created["spec"], created["metadata"]["namespace"]
    end = datetime.fromisoformat(until).astimezone(UTC)
    targets = [f"{each['kind'].lower()}/{each['name']}" for each in spec["workloads"]]
    who = " or ".join(spec.get("users") or [spec["requestedBy"]])
    lines = [f"releaseoverride/{name} is live until {end:%Y-%m-%d %H:%M} UTC, for {who}. Release now, such as:"]
    image = (spec.get("images") or ["IMAGE"])[0]
    lines += [f"  kubectl set image {target} -n {namespace} CONTAINER={image}" for target in targets]
    lines.append(f"When done: kubectl delete releaseoverride {name} -n {namespace}")
    return "\n".join(lines)


def _called(workload: tuple[str, str]) -> str:
    return f"{workload[0].lower()}/{workload[1]}"
