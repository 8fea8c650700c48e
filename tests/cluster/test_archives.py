"""Official archives: what is verified, and what happens without an internet."""

import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

import pytest

from e2e.cluster import archives
from e2e.cluster.archives import Archives, UnavailableError, prometheus_release, published, published_sum
from e2e.cluster.catalogue import TOOLS
from e2e.cluster.progress import silent

HELM = b"a helm"


def packed(member: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Give an internet that has only what the test puts into it."""
    pages: dict[str, bytes] = {}
    monkeypatch.setattr(archives, "platform_names", lambda: ("linux", "amd64"))

    def urlopen(url: str, timeout: float) -> IO[bytes]:
        assert timeout > 0
        if url not in pages:
            raise urllib.error.URLError("no such host")
        return io.BytesIO(pages[url])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return pages


def publish_helm(internet: dict[str, bytes], archive: bytes) -> None:
    source = published(TOOLS["helm"])
    assert source
    internet[source.url] = archive
    internet[source.sums] = f"{hashlib.sha256(archive).hexdigest()}  {source.name}\n".encode()


def test_a_verified_archive_is_unpacked(internet: dict[str, bytes]) -> None:
    publish_helm(internet, packed("linux-amd64/helm", HELM))
    written: list[bytes] = []

    source = Archives(silent).fetch(TOOLS["helm"], written.append)

    assert written == [HELM]
    assert source.startswith("https://")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda page: page[:-1], "does not have the SHA-256"),
        (lambda _: packed("linux-amd64/other", HELM), "does not have the SHA-256"),
    ],
)
def test_another_content_than_was_published_is_refused(
    internet: dict[str, bytes], spoil: Callable[[bytes], bytes], why: str
) -> None:
    publish_helm(internet, packed("linux-amd64/helm", HELM))
    source = published(TOOLS["helm"])
    assert source
    internet[source.url] = spoil(internet[source.url])
    written: list[bytes] = []

    with pytest.raises(UnavailableError, match=why):
        Archives(silent).fetch(TOOLS["helm"], written.append)
    assert not written


def test_an_archive_without_the_tool_is_refused(internet: dict[str, bytes]) -> None:
    publish_helm(internet, packed("linux-amd64/other", HELM))

    with pytest.raises(UnavailableError, match="holds no linux-amd64/helm"):
        Archives(silent).fetch(TOOLS["helm"], lambda _: None)


@pytest.mark.usefixtures("internet")
def test_without_an_internet_one_attempt_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    refuse = urllib.request.urlopen

    def counted(url: str, timeout: float) -> object:
        asked.append(url)
        return refuse(url, timeout=timeout)

    monkeypatch.setattr(urllib.request, "urlopen", counted)
    offline = Archives(silent)

    for name in ("etcd", "kubectl", "helm"):
        with pytest.raises(UnavailableError, match="internet is not reachable"):
            offline.fetch(TOOLS[name], lambda _: None)
    assert len(asked) == 1


def test_archives_can_be_declined() -> None:
    with pytest.raises(UnavailableError, match="not asked for"):
        Archives(silent, allowed=False).fetch(TOOLS["helm"], lambda _: None)


def test_servers_are_published_for_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "platform_names", lambda: ("darwin", "arm64"))

    assert published(TOOLS["kube-apiserver"]) is None
    assert published(TOOLS["kubectl"]) is not None


@pytest.mark.parametrize(("module", "release"), [("v0.315.0", "3.15.0"), ("v0.300.1", "3.0.1")])
def test_prometheus_releases(module: str, release: str) -> None:
    assert prometheus_release(module) == release


def test_sums_are_found_in_each_form() -> None:
    listed = "aa  other.tar.gz\nbb *tool.tar.gz\n"
    described = json.dumps({"assets": [{"name": "tool.tar.gz", "digest": "sha256:cc"}, {"name": "old"}]})

    assert published_sum("dd\n", "tool.tar.gz") == "dd"
    assert published_sum(listed, "tool.tar.gz") == "bb"
    assert published_sum(listed, "absent") is None
    assert published_sum(described, "tool.tar.gz") == "cc"
    assert published_sum(described, "old") is None
