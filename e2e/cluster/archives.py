"""Official archives of the pinned versions, where the internet is reachable.

Each file is checked against the SHA-256 that its project publishes beside it, over verified TLS. That finds a
transfer cut short and a mirror gone wrong; it cannot find a publisher who was broken into. Who needs more
builds from source (`tools --no-archives`): go.sum pins that down to the byte.
"""

import contextlib
import hashlib
import http.client
import io
import json
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from e2e.cluster.catalogue import STAGES, Tool, platform_names
from e2e.cluster.progress import Elapsed, Say

CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Archive:
    """Where a tool is published.

    Attributes:
        url: of the file.
        sums: of the document with its SHA-256: a bare sum, lines of sums and names, or what
            GitHub says about the release.
        member: of the tar file, None when the file is the tool itself.

    """

    url: str
    sums: str
    member: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


def published(tool: Tool) -> Archive | None:
    """Say where the pinned version of a tool is published for this machine; None when it is not."""
    system, processor = platform_names()
    # Kubernetes publishes its servers for Linux only, and etcd nothing but zip files for other systems.
    if system != "linux" and tool.folder == "kubernetes" and tool.name != "kubectl":
        return None
    return _PUBLISHERS[tool.module](tool, system, processor)


def _kubernetes(tool: Tool, system: str, processor: str) -> Archive:
    url = f"https://dl.k8s.io/release/{tool.version}/bin/{system}/{processor}/{tool.name}"
    return Archive(url, f"{url}.sha256")


def _etcd(tool: Tool, system: str, processor: str) -> Archive:
    place = f"https://github.com/etcd-io/etcd/releases/download/{tool.version}"
    stem = f"etcd-{tool.version}-{system}-{processor}"
    return Archive(f"{place}/{stem}.tar.gz", f"{place}/SHA256SUMS", f"{stem}/etcd")


def _kwok(tool: Tool, system: str, processor: str) -> Archive:
    # kwok publishes no sums of its own; GitHub tells those of the files it was given.
    sums = f"https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/{tool.version}"
    name = "stage-fast.yaml" if tool.name == STAGES else f"kwok-{system}-{processor}"
    return Archive(f"https://github.com/kubernetes-sigs/kwok/releases/download/{tool.version}/{name}", sums)


def _prometheus(tool: Tool, system: str, processor: str) -> Archive:
    version = prometheus_release(tool.version)
    place = f"https://github.com/prometheus/prometheus/releases/download/v{version}"
    stem = f"prometheus-{version}.{system}-{processor}"
    return Archive(f"{place}/{stem}.tar.gz", f"{place}/sha256sums.txt", f"{stem}/{tool.name}")


def _alertmanager(tool: Tool, system: str, processor: str) -> Archive:
    version = tool.version.removeprefix("v")
    place = f"https://github.com/prometheus/alertmanager/releases/download/v{version}"
    stem = f"alertmanager-{version}.{system}-{processor}"
    return Archive(f"{place}/{stem}.tar.gz", f"{place}/sha256sums.txt", f"{stem}/{tool.name}")


def _helm(tool: Tool, system: str, processor: str) -> Archive:
    url = f"https://get.helm.sh/helm-{tool.version}-{system}-{processor}.tar.gz"
    return Archive(url, f"{url}.sha256sum", f"{system}-{processor}/helm")


def _containerd(tool: Tool, system: str, processor: str) -> Archive:
    name = f"containerd-{tool.version.removeprefix('v')}-{system}-{processor}.tar.gz"
    url = f"https://github.com/containerd/containerd/releases/download/{tool.version}/{name}"
    return Archive(url, f"{url}.sha256sum", f"bin/{tool.name}")


_PUBLISHERS: dict[str, Callable[[Tool, str, str], Archive]] = {
    "k8s.io/kubernetes": _kubernetes,
    "go.etcd.io/etcd/server/v3": _etcd,
    "sigs.k8s.io/kwok": _kwok,
    "github.com/prometheus/prometheus": _prometheus,
    "github.com/prometheus/alertmanager": _alertmanager,
    "helm.sh/helm/v3": _helm,
    "github.com/containerd/containerd/v2": _containerd,
}


def prometheus_release(module_version: str) -> str:
    """Turn the version of Prometheus' Go module into that of its release: v0.315.2 is 3.15.2."""
    _, middle, patch = module_version.removeprefix("v").split(".")
    return f"{int(middle) // 100}.{int(middle) % 100}.{patch}"


def published_sum(document: str, name: str) -> str | None:
    """Find the SHA-256 of the file `name` in a document of sums."""
    if document.lstrip().startswith("{"):
        digests = {each.get("name"): each.get("digest") for each in json.loads(document).get("assets", [])}
        digest = digests.get(name) or ""
        return digest.removeprefix("sha256:") if digest.startswith("sha256:") else None
    for line in document.splitlines():
        words = line.split()
        if len(words) == 1 or (len(words) == 2 and words[1].lstrip("*./") == name):
            return words[0].lower()
    return None


class UnavailableError(Exception):
    """Why a file could not be had: one clause."""


class Archives:
    """Downloads; after the first server that cannot be reached no other is asked."""

    def __init__(self, tell: Say, *, allowed: bool = True) -> None:
        self._tell = tell
        self._closed = None if allowed else "not asked for"
        self._held: dict[str, bytes] = {}

    def fetch(self, tool: Tool, write: Callable[[bytes], object]) -> str:
        """Download a tool, check it and hand its content to `write`.

        Returns:
            the address it came from.

        Raises:
            UnavailableError: not published for this machine, not reachable, or not what the published sum says.

        """
        archive = published(tool)
        if archive is None:
            raise UnavailableError("none is published for this machine")
        if self._closed:
            raise UnavailableError(self._closed)
        try:
            expected = published_sum(self._sums(archive.sums), archive.name)
            if expected is None:
                raise UnavailableError(f"{archive.sums} has no SHA-256 of {archive.name}")
            content = self._content(archive, expected)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"{archive.url}: {_reason(error)}") from error
        if archive.member:
            content = unpacked(content, archive.member)
        write(content)
        return archive.url

    def _sums(self, url: str) -> str:
        """Fetch a document of sums; the first request also finds out whether there is an internet."""
        try:
            return _within(CONNECT_SECONDS, lambda: _get(url, CONNECT_SECONDS)).decode()
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            self._closed = f"the internet is not reachable ({_reason(error)})"
            raise UnavailableError(self._closed) from error

    def _content(self, archive: Archive, expected: str) -> bytes:
        content = self._held.get(archive.url)
        if content is None:
            content = self._download(archive)
        if hashlib.sha256(content).hexdigest() != expected:
            raise UnavailableError(f"{archive.url} does not have the SHA-256 {expected} that {archive.sums} gives")
        # One archive at a time: prometheus and promtool come in one file.
        self._held = {archive.url: content}
        return content

    def _download(self, archive: Archive) -> bytes:
        elapsed = Elapsed(f"downloading {archive.name}", self._tell)
        content = io.BytesIO()
        with contextlib.closing(urllib.request.urlopen(archive.url, timeout=READ_SECONDS)) as response:
            while chunk := response.read(CHUNK_BYTES):
                content.write(chunk)
                elapsed.tick(f", {content.tell() >> 20} MB")
        elapsed.done(f"{content.tell() >> 20} MB in {elapsed.seconds:.0f} s")
        return content.getvalue()


def unpacked(content: bytes, member: str) -> bytes:
    """Take one file out of a tar.gz.

    Raises:
        UnavailableError: it is not in there.

    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            file = archive.extractfile(member)
            if file is not None:
                return file.read()
    except (KeyError, tarfile.TarError):
        pass
    raise UnavailableError(f"the archive holds no {member}")


def _get(url: str, timeout: float) -> bytes:
    with contextlib.closing(urllib.request.urlopen(url, timeout=timeout)) as response:
        content: bytes = response.read()
        return content


def _within(seconds: float, call: Callable[[], bytes]) -> bytes:
    """Call with a limit on the whole, since the search for a host name knows no timeout of its own."""
    results: list[bytes] = []
    problems: list[OSError] = []

    def run() -> None:
        try:
            results.append(call())
        except OSError as error:
            problems.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if problems:
        raise problems[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


def _reason(error: BaseException) -> str:
    return str(error.reason if isinstance(error, urllib.error.URLError) else error)
