import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.kubernetes.connection import Cluster, NoClusterError


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "clusters": [
                    {"name": "one", "cluster": {"server": "https://127.0.0.1:6443", **cluster}},
                    {"name": "two", "cluster": {"server": "https://127.0.0.1:7443"}},
                ],
                "users": [{"name": "me", "user": user}],
                "contexts": [
                    {"name": "one", "context": {"cluster": "one", "user": "me"}},
                    {"name": "two", "context": {"cluster": "two", "user": "me"}},
                ],
            }
        )
    )
    return path


def host(cluster: Cluster) -> str:
    async def ask() -> str:
        async with await cluster.connect() as api:
            return str(api.configuration.host)

    return asyncio.run(ask())


@pytest.mark.parametrize(("context", "server"), [(None, "https://127.0.0.1:6443"), ("two", "https://127.0.0.1:7443")])
def test_the_context_chooses_the_server(context: str | None, server: str, tmp_path: Path) -> None:
    cluster = Cluster(kubeconfig(tmp_path, {"token": "t"}), context)

    assert host(cluster) == server
    assert cluster.credentials().server == server


def test_a_token_is_passed_to_the_watch(tmp_path: Path) -> None:
    login = Cluster(kubeconfig(tmp_path, {"token": "abc"})).credentials()

    assert (login.scheme, login.token, login.username) == ("Bearer", "abc", None)
    assert not login.insecure


def test_a_name_and_password_are_passed_to_the_watch(tmp_path: Path) -> None:
    login = Cluster(kubeconfig(tmp_path, {"username": "me", "password": "secret"})).credentials()

    assert (login.scheme, login.token) == ("Basic", base64.b64encode(b"me:secret").decode())


def test_a_certificate_is_passed_to_the_watch(tmp_path: Path) -> None:
    data = base64.b64encode(b"certificate").decode()

    login = Cluster(
        kubeconfig(
            tmp_path,
            {"client-certificate-data": data, "client-key-data": data},
            **{"certificate-authority-data": data},
        )
    ).credentials()

    for path in (login.ca_path, login.certificate_path, login.private_key_path):
        assert isinstance(path, str)
        assert Path(path).read_bytes() == b"certificate"


def test_checking_certificates_is_left_out_only_when_asked_for(tmp_path: Path) -> None:
    assert Cluster(kubeconfig(tmp_path, {}, **{"insecure-skip-tls-verify": True})).credentials().insecure


def test_a_rotated_token_is_found_at_the_next_login(tmp_path: Path) -> None:
    cluster = Cluster(kubeconfig(tmp_path, {"token": "first"}))
    cluster.credentials()
    kubeconfig(tmp_path, {"token": "second"})

    assert cluster.credentials().token == "second"


@pytest.mark.parametrize(
    ("content", "context"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("{}", None, id="no contexts"),
        pytest.param("just a text", None, id="no kubeconfig"),
        pytest.param("a: [", None, id="no YAML"),
        pytest.param(None, None, id="no file"),
        pytest.param("good", "three", id="no such context"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_named(content: str | None, context: str | None, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if content == "good":
        kubeconfig(tmp_path, {"token": "t"})
    elif content is not None:
        path.write_text(content)
    cluster = Cluster(path, context)

    with pytest.raises(NoClusterError, match=r"give --kubeconfig FILE, or run in a pod") as connecting:
        host(cluster)
    with pytest.raises(NoClusterError) as watching:
        cluster.credentials()

    assert str(path) in str(connecting.value)
    assert str(path) in str(watching.value)


def test_in_a_pod_without_a_token_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")

    with pytest.raises(NoClusterError, match=r"automountServiceAccountToken"):
        Cluster().credentials()
    with pytest.raises(NoClusterError, match=r"automountServiceAccountToken"):
        host(Cluster())


def test_in_a_pod_a_given_kubeconfig_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")

    assert host(Cluster(kubeconfig(tmp_path, {"token": "t"}))) == "https://127.0.0.1:6443"
