"""Refusals: a cluster that was not named on purpose is not touched."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster
from e2e.cluster.errors import ClusterError
from e2e.cluster.existing import chosen_context
from e2e.cluster.kind import KindProvider
from e2e.cluster.progress import silent
from e2e.cluster.site import Site


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    kubeconfig.write(path, kubeconfig.render("staging", {"server": "https://127.0.0.1:1"}, {"token": "t"}))
    return path


def up(folder: Path, environment: Mapping[str, str]) -> None:
    Cluster(folder, environment=environment, tell=silent).up(operator=False)


def test_existing_needs_a_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="needs KUBECONFIG"):
        up(tmp_path, {"CLUSTER": "existing", "CLUSTER_CONTEXT": "staging"})


def test_existing_needs_a_file_that_is_there(tmp_path: Path) -> None:
    given = {"CLUSTER": "existing", "KUBECONFIG": str(tmp_path / "none"), "CLUSTER_CONTEXT": "staging"}

    with pytest.raises(ClusterError, match="names no file that is there"):
        up(tmp_path, given)


def test_existing_needs_a_context_even_if_there_is_but_one(tmp_path: Path, config: Path) -> None:
    with pytest.raises(ClusterError, match=r"needs CLUSTER_CONTEXT.* has the contexts: staging\."):
        up(tmp_path, {"CLUSTER": "existing", "KUBECONFIG": str(config)})


def test_existing_refuses_a_context_that_is_not_there(tmp_path: Path, config: Path) -> None:
    given = {"CLUSTER": "existing", "KUBECONFIG": str(config), "CLUSTER_CONTEXT": "production"}

    with pytest.raises(ClusterError, match=r"no context production .*it has: staging\."):
        up(tmp_path, given)


def test_contexts_of_all_listed_files_count(tmp_path: Path, config: Path) -> None:
    second = tmp_path / "second"
    kubeconfig.write(second, kubeconfig.render("test", {}, {}))

    given = {"KUBECONFIG": f"{config}:{tmp_path / 'absent'}:{second}", "CLUSTER_CONTEXT": "test"}

    assert chosen_context(given) == "test"


@pytest.mark.parametrize("text", ["[]", "a: [", "text"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(ClusterError, match=str(path)):
        chosen_context({"KUBECONFIG": str(path), "CLUSTER_CONTEXT": "x"})


def test_an_unknown_kind_of_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="CLUSTER=minikube is none of local, kind and existing"):
        up(tmp_path, {"CLUSTER": "minikube"})


def test_a_standing_cluster_of_another_kind_is_not_taken_over(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, environment={"CLUSTER": "kind"}, tell=silent)
    cluster.site.state.put(provider="local")

    with pytest.raises(ClusterError, match=r"holds a cluster of CLUSTER=local, and CLUSTER=kind was asked for"):
        cluster.up(operator=False)


@pytest.mark.parametrize(("there", "missing"), [((), "command kind"), (("kind",), "needs Docker")])
def test_kind_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], missing: str
) -> None:
    for name in there:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ClusterError, match=missing):
        up(tmp_path / "state", {"CLUSTER": "kind"})


def test_kind_says_when_docker_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kind").touch(mode=0o755)
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'is the daemon running?' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ClusterError, match="is the daemon running"):
        up(tmp_path / "state", {"CLUSTER": "kind"})


def test_down_without_a_cluster_is_harmless(tmp_path: Path) -> None:
    assert Cluster(tmp_path / "none", tell=silent).down() == []


def test_a_kubeconfig_is_private_and_carries_its_authority(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("authority")
    server = kubeconfig.server("https://127.0.0.1:6443", tmp_path / "ca.crt")
    path = tmp_path / "config"

    kubeconfig.write(path, kubeconfig.render("name", server, {"token": "t"}))

    written = yaml.safe_load(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert written["current-context"] == "name"
    assert written["clusters"][0]["cluster"]["certificate-authority-data"] == "YXV0aG9yaXR5"
    assert "insecure-skip-tls-verify" not in path.read_text()
    assert kubeconfig.current_cluster(path) == server


def test_subprocess_is_not_needed_for_a_refusal(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(subprocess, "run", run)
    given = {"CLUSTER": "existing", "KUBECONFIG": str(config), "CLUSTER_CONTEXT": "other"}

    with pytest.raises(ClusterError):
        up(tmp_path, given)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        pytest.param({}, [], id="kind-chooses"),
        pytest.param({"KIND_NODE_IMAGE": "kindest/node:v1.30.13"}, ["--image", "kindest/node:v1.30.13"], id="named"),
    ],
)
def test_the_image_of_kinds_node_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], asked: list[str]
) -> None:
    said = tmp_path / "said"
    fake = tmp_path / "kind"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("KIND_NODE_IMAGE", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    KindProvider(Site(tmp_path / "state", silent)).start()

    (created,) = [line.split() for line in said.read_text().splitlines() if line.startswith("create cluster")]
    assert created[6:] == asked
