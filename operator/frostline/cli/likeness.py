"""The one pod template that an override lets pass, from a manifest: as the API server would store it."""

import uuid
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client import ApiException

from frostline.api.gate import GateShape
from frostline.api.gated import shape
from frostline.cli.talking import RefusedError
from frostline.core.projection import Projection, project
from frostline.kubernetes.resource import WORKLOADS, Manifest, Objects, reason_of

_LONGEST_PREFIX = 30


async def projection_of(
    objects: Objects, namespace: str, workload: tuple[str, str], path: Path, gate: Manifest | None
) -> Projection:
    """Return what of the pod template in a manifest makes a release.

    The API server is asked, in a dry run and under a name that no gate holds, to fill in its defaults.

    Raises:
        RefusedError: the file has no such workload, or the API server does not take it.
    """
    if not gate:
        raise RefusedError("--like takes the right to read releasegates, which say what of a template counts")
    manifest = _found(path, namespace, workload)
    kind, name = workload
    metadata = {
        "name": f"{name[:_LONGEST_PREFIX]}-like-{uuid.uuid4().hex[:8]}",
        "namespace": namespace,
        "labels": manifest["metadata"].get("labels") or {},
    }
    try:
        filled = await objects.create(WORKLOADS[kind], {**manifest, "metadata": metadata}, dry_run=True)
    except ApiException as error:
        need = f"; --like takes the right to create {WORKLOADS[kind].plural}, though nothing is created"
        said = reason_of(error) + (need if error.status == HTTPStatus.FORBIDDEN else "")
        raise RefusedError(f"{path}: the API server does not take {kind.lower()}/{name}: {said}") from error
    counted = GateShape.model_validate(gate["spec"].get("shape") or {})
    return project(filled["spec"]["template"], shape(counted))


def _found(path: Path, namespace: str, workload: tuple[str, str]) -> dict[str, Any]:
    kind, name = workload
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RefusedError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    for each in documents:
        if not isinstance(each, dict) or not isinstance(each.get("metadata"), dict):
            continue
        metadata = each["metadata"]
        if (each.get("kind"), metadata.get("name")) != workload:
            continue
        if metadata.get("namespace", namespace) != namespace:
            raise RefusedError(
                f"{path}: {kind.lower()}/{name} is in namespace {metadata['namespace']}, not {namespace}"
            )
        return each
    raise RefusedError(f"{path} has no {kind.lower()}/{name}")
