"""Kubeconfig files: written for our own users, read when somebody else's cluster is used."""

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.errors import ClusterError
from e2e.cluster.launch import write_atomically


def render(name: str, cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """Put together a kubeconfig of one context called `name`.

    Args:
        name: of the context, the cluster and the user in it.
        cluster: the `cluster` object: server, certificate-authority-data.
        user: the `user` object: token, or client-certificate-data and client-key-data.

    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def server(url: str, authority: Path) -> dict[str, Any]:
    """Describe an API server whose certificate is checked against `authority`."""
    return {"server": url, "certificate-authority-data": _inline(authority)}


def certificate_user(folder: Path, name: str) -> dict[str, Any]:
    """Describe a user who shows the certificate NAME.crt of `folder`."""
    return {
        "client-certificate-data": _inline(folder / f"{name}.crt"),
        "client-key-data": _inline(folder / f"{name}.key"),
    }


def write(path: Path, config: dict[str, Any]) -> None:
    """Write a kubeconfig that only its owner can read; as it was if nothing changed."""
    text = yaml.safe_dump(config, sort_keys=False)
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text, mode=0o600)


def current_cluster(path: Path) -> dict[str, Any]:
    """Return the `cluster` object of the current context.

    Raises:
        ClusterError: the file does not describe it.

    """
    config = load(path)
    contexts = {each["name"]: each["context"] for each in config.get("contexts") or []}
    clusters = {each["name"]: each["cluster"] for each in config.get("clusters") or []}
    try:
        found: dict[str, Any] = clusters[contexts[config["current-context"]]["cluster"]]
    except KeyError as missing:
        raise ClusterError(f"{path} has no complete current context ({missing} is missing).") from missing
    return found


def load(path: Path) -> dict[str, Any]:
    """Read a kubeconfig.

    Raises:
        ClusterError: it cannot be read or is not a kubeconfig.

    """
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ClusterError(f"The kubeconfig {path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ClusterError(f"{path} is not a kubeconfig.")
    return config


def context_names(variable: str) -> list[str]:
    """Name the contexts of the files that a KUBECONFIG variable lists.

    Raises:
        ClusterError: none of the files is there, or one cannot be read.

    """
    paths = [Path(part).expanduser() for part in variable.split(os.pathsep) if part]
    present = [path for path in paths if path.exists()]
    if not present:
        raise ClusterError(f"KUBECONFIG names no file that is there: {variable}")
    return [str(each["name"]) for path in present for each in load(path).get("contexts") or []]


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
