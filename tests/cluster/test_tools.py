"""Where tools are looked for, in which order, and what is passed over."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.cluster import catalogue, tools
from e2e.cluster.archives import Archives, UnavailableError
from e2e.cluster.build import Builder
from e2e.cluster.catalogue import TOOLS, Tool, cache_key, parse_version
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import silent
from e2e.cluster.state import STATE_FILE
from e2e.cluster.tools import Finder, Found, cache_folder

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def fake(folder: Path, name: str, says: str) -> Path:
    """Write a program that prints `says`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let builds write a file instead, and return the names of what was built."""
    names: list[str] = []

    def build(_: Builder, tool: Tool, target: Path) -> None:
        names.append(tool.name)
        target.write_text("built")

    def fetch(_: Archives, __: Tool, ___: Callable[[bytes], None]) -> str:
        raise UnavailableError("the internet is not reachable")

    monkeypatch.setattr(Builder, "build", build)
    monkeypatch.setattr(Archives, "fetch", fetch)
    return names


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., dict[str, Found]]:
    def search(*names: str, assets: Path | None = None, path: str = "") -> dict[str, Found]:
        environment = {"FROSTLINE_CACHE": str(tmp_path / "cache"), "PATH": path}
        if assets:
            environment["KUBEBUILDER_ASSETS"] = str(assets)
        return Finder(environment, silent).find(names)

    return search


@pytest.mark.usefixtures("built")
def test_the_named_folder_comes_before_path(find: Callable[..., dict[str, Found]], tmp_path: Path) -> None:
    named = fake(tmp_path / "named", "helm", "v3.22.0")
    fake(tmp_path / "path", "helm", "v3.22.0")

    found = find("helm", assets=named.parent, path=str(tmp_path / "path"))["helm"]

    assert found.path == named
    assert "KUBEBUILDER_ASSETS" in found.source


@pytest.mark.usefixtures("built")
def test_path_comes_before_the_cache(find: Callable[..., dict[str, Found]], tmp_path: Path) -> None:
    find("helm")
    on_path = fake(tmp_path / "path", "helm", "v3.22.0+g1")

    assert find("helm", path=str(tmp_path / "path"))["helm"].path == on_path


def test_what_was_built_is_in_the_cache_the_next_time(find: Callable[..., dict[str, Found]], built: list[str]) -> None:
    first, second = find("helm")["helm"], find("helm")["helm"]

    assert built == ["helm"]
    assert first.path == second.path
    assert "a build of" in first.source
    assert "cache" in second.source
    assert first.passed_over == ("official archive: the internet is not reachable",)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("name", "says", "why"),
    [
        ("prometheus", "prometheus, version 2.42.0+ds (branch: debian/sid)", "version 2.42, 3.0 is needed"),
        ("prometheus", "prometheus, version  (branch: , revision: unknown)", "does not tell its version"),
        ("kubectl", "Client Version: v1.29.9", "version 1.29, 1.30 is needed"),
        ("helm", "v3.7.2+g663a896", "version 3.7, 3.8 is needed"),
    ],
)
def test_an_unfit_tool_on_path_is_passed_over(
    find: Callable[..., dict[str, Found]], tmp_path: Path, name: str, says: str, why: str
) -> None:
    program = fake(tmp_path / "path", name, says)

    found = find(name, path=str(tmp_path / "path"))[name]

    assert "a build of" in found.source
    assert found.passed_over[0] == f"{program}: {why}"


def test_a_wrapper_of_a_newer_kubectl_will_do(
    find: Callable[..., dict[str, Found]], built: list[str], tmp_path: Path
) -> None:
    program = fake(tmp_path / "path", "kubectl", "Client Version: v1.32.4-dispatcher")

    assert find("kubectl", path=str(tmp_path / "path"))["kubectl"].path == program
    assert not built


def test_a_tool_of_a_named_folder_need_not_know_its_version(
    find: Callable[..., dict[str, Found]], built: list[str], tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    for name in ("prometheus", "promtool"):
        fake(assets, name, f"{name}, version  (branch: , revision: unknown)")

    assert find("prometheus", "promtool", assets=assets)["promtool"].path == assets / "promtool"
    assert not built


def test_parts_of_one_version_are_taken_from_one_place(
    find: Callable[..., dict[str, Found]], built: list[str], tmp_path: Path
) -> None:
    server = fake(tmp_path / "assets", "kube-apiserver", "Kubernetes v1.33.0")

    found = find(*CONTROL_PLANE, assets=tmp_path / "assets")

    assert sorted(built) == sorted(CONTROL_PLANE)
    assert found["kube-apiserver"].passed_over[0] == f"{server}: no kube-controller-manager with it"


def test_links_in_the_bin_folder_of_a_cluster_are_not_found_again(
    find: Callable[..., dict[str, Found]], built: list[str], tmp_path: Path
) -> None:
    fake(tmp_path / "local" / "bin", "helm", "v3.22.0")
    (tmp_path / "local" / STATE_FILE).write_text("{}")

    find("helm", path=str(tmp_path / "local" / "bin"))

    assert built == ["helm"]


def test_a_failed_build_names_the_tool_and_what_was_tried(
    find: Callable[..., dict[str, Found]], built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ClusterError("there is no Go: install Go 1.26")

    monkeypatch.setattr(Builder, "build", fail)

    with pytest.raises(ClusterError, match=r"(?s)etcd cannot be had.*install Go 1\.26.*internet is not reachable"):
        find("etcd")
    assert not built


def test_a_half_made_tool_is_not_used(find: Callable[..., dict[str, Found]], built: list[str], tmp_path: Path) -> None:
    home = tmp_path / "cache" / cache_key(catalogue.TOOLCHAIN / "helm", [TOOLS["helm"]])
    home.mkdir(parents=True)
    (home / ".helm.half").write_text("cut")

    assert find("helm")["helm"].path.read_text() == "built"
    assert built == ["helm"]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"FROSTLINE_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/frostline"),
        ({}, "~/.cache/frostline"),
    ],
)
def test_the_cache_folder(environment: dict[str, str], folder: str) -> None:
    assert cache_folder(environment) == Path(folder).expanduser()


def test_the_cache_key_follows_modules_and_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_text("1")
    helm = [TOOLS["helm"]]
    keys = {cache_key(tmp_path, helm)}
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_text("2")
        keys.add(cache_key(tmp_path, helm))
    monkeypatch.setattr(catalogue, "BUILD_FLAGS", ("-race",))
    keys.add(cache_key(tmp_path, helm))

    assert len(keys) == 4


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Kubernetes v1.36.3", (1, 36)),
        ("etcd Version: 3.6.8", (3, 6)),
        ("kwok version v0.8.0 go1.26.8 (linux/amd64)", (0, 8)),
        ("Client Version: v1.32.4-dispatcher", (1, 32)),
        ("prometheus, version  (branch: , revision: unknown)", None),
    ],
)
def test_versions(line: str, version: tuple[int, int] | None) -> None:
    assert parse_version(line) == version


def test_every_tool_has_a_version_in_its_go_mod() -> None:
    assert all(tool.version.startswith("v") for tool in TOOLS.values())


def test_kubernetes_is_linked_with_its_version() -> None:
    tool = TOOLS["kube-apiserver"]

    assert f"version.gitVersion={tool.version} " in tool.link_flags
    assert TOOLS["etcd"].link_flags == "-s -w"


def test_path_is_read_from_the_given_environment(tmp_path: Path) -> None:
    entries = os.pathsep.join(["/usr/bin", str(tmp_path)])

    assert tools._foreign(entries) == entries
