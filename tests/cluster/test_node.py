"""What a real node is made of, as far as that needs no root: programs, configuration, refusals."""

import tomllib
from pathlib import Path

import pytest

from e2e.cluster import node_confinement, node_programs
from e2e.cluster.archives import published
from e2e.cluster.catalogue import NODE_TOOLS, TOOLS
from e2e.cluster.cli import main
from e2e.cluster.errors import ClusterError
from e2e.cluster.node import toml
from e2e.cluster.node_cluster import wanted
from e2e.cluster.node_programs import Program, find_programs
from e2e.cluster.progress import silent
from e2e.cluster.tools import Finder, Found


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Leave one folder on PATH, and no others where packages put programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(node_programs, "_FOLDERS", ())
    return folder


def test_what_is_installed_is_used(nothing_installed: Path, tmp_path: Path) -> None:
    runc = program(nothing_installed / "runc")

    assert find_programs([Program("runc", "runc", alone=True)], tmp_path, silent) == {"runc": runc}


@pytest.mark.usefixtures("nothing_installed")
def test_what_was_fetched_before_is_used(tmp_path: Path) -> None:
    fetched = program(tmp_path / "debian" / "runc" / "usr" / "sbin" / "runc")

    assert find_programs([Program("runc", "runc", alone=True)], tmp_path, silent) == {"runc": fetched}


@pytest.mark.usefixtures("nothing_installed")
def test_all_that_is_missing_is_told_at_once_with_the_packages_to_install(tmp_path: Path) -> None:
    needed = [Program("iptables", "iptables"), Program("runc", "runc", alone=True), Program("ip", "iproute2")]

    with pytest.raises(ClusterError, match=r"iptables, runc, ip.* apt-get install iproute2 iptables runc$"):
        find_programs(needed, tmp_path, silent)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param({}, "local", id="nothing said"),
        pytest.param({"CLUSTER": ""}, "local", id="empty"),
        pytest.param({"CLUSTER": "kind"}, "kind", id="kind"),
    ],
)
def test_the_cluster_is_our_own_unless_kind_is_asked_for(given: dict[str, str], kind: str) -> None:
    assert wanted(given) == kind


def test_somebodys_cluster_is_refused() -> None:
    with pytest.raises(ClusterError, match="CLUSTER=existing has no node"):
        wanted({"CLUSTER": "existing"})


def test_interfaces_are_left_alone_outside_namespaces_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(node_confinement.OUTSIDE, raising=False)

    with pytest.raises(ClusterError, match="make e2e-node"):
        node_confinement.furnish(Path)


def test_a_network_that_is_still_the_one_we_came_from_is_not_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    network = str(Path("/proc/self/ns/net").readlink())
    monkeypatch.setenv(node_confinement.OUTSIDE, network)

    assert not node_confinement.is_confined()


def test_a_cgroup_goes_with_those_below_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(node_confinement, "CGROUPS", tmp_path)
    for hierarchy in ("cpu", "memory"):
        (tmp_path / hierarchy / "frostline-e2e-1" / "kubepods" / "besteffort").mkdir(parents=True)
        (tmp_path / hierarchy / "somebodys").mkdir()
        (tmp_path / hierarchy / "cgroup.procs").touch()

    assert node_confinement.remove_cgroup("frostline-e2e-1")
    assert [each.name for each in (tmp_path / "cpu").iterdir() if each.is_dir()] == ["somebodys"]


def test_configuration_is_written_as_toml() -> None:
    config = {"version": 3, "plugins": {"io.containerd.cri.v1.runtime": {"on": True, "dirs": ["/a", '/"b']}}}

    assert tomllib.loads(toml(config)) == config


@pytest.mark.parametrize("name", NODE_TOOLS)
def test_node_tools_are_published_for_linux(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.cluster.archives.platform_names", lambda: ("linux", "arm64"))

    archive = published(TOOLS[name])

    assert archive is not None
    assert "arm64" in archive.url


@pytest.mark.parametrize(("flags", "told"), [([], False), (["--node"], True)], ids=["as usual", "with --node"])
def test_tools_of_the_node_are_built_when_asked_for(
    flags: list[str], told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def find(_: Finder, names: list[str]) -> dict[str, Found]:
        asked.extend(names)
        return {}

    monkeypatch.setattr(Finder, "find", find)

    assert main(["tools", *flags]) == 0
    assert ("kubelet" in asked) is told
