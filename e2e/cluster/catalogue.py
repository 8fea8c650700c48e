"""What the cluster is made of: every tool, the least version of it, and where it comes from."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError

TOOLCHAIN = Path(__file__).resolve().parents[1] / "toolchain"
STAGES = "kwok-stages.yaml"


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes:
        name: of the file.
        folder: of its go.mod, below e2e/toolchain.
        module: whose version in that go.mod is the tool's version.
        package: to `go build`; empty for the stages of kwok, which are data in kwok's module.
        least: (major, minor) that will do when the tool is found on PATH.
        asks: arguments that make the tool print its version on the first line.

    """

    name: str
    folder: str
    module: str
    package: str
    least: tuple[int, int]
    asks: tuple[str, ...] = ("--version",)

    @property
    def version(self) -> str:
        """The version that go.mod pins, such as `v1.36.3`.

        Raises:
            ClusterError: go.mod does not require the module.

        """
        text = (TOOLCHAIN / self.folder / "go.mod").read_text()
        found = re.search(rf"^\s*{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if not found:
            raise ClusterError(f"{TOOLCHAIN / self.folder / 'go.mod'} does not require {self.module}.")
        return found[1]

    @property
    def link_flags(self) -> str:
        """What to tell the linker: no debug tables; and the version, where the tool does not know it by itself."""
        if self.folder == "containerd":
            return f"-s -w -X {self.module}/version.Version={self.version}"
        if not self.module.startswith("k8s.io/"):
            return "-s -w"
        major, minor, _ = self.version.removeprefix("v").split(".", 2)
        values = {
            "gitVersion": self.version,
            "gitMajor": major,
            "gitMinor": minor,
            "gitTreeState": "clean",
        }
        return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{k}={v}" for k, v in values.items())])


def _kubernetes(name: str, *asks: str) -> Tool:
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Tool(name, "kubernetes", "k8s.io/kubernetes", package, (1, 30), asks or ("--version",))


def _prometheus(name: str) -> Tool:
    module = "github.com/prometheus/prometheus"
    return Tool(name, "prometheus", module, f"{module}/cmd/{name}", (3, 0))


def _alertmanager(name: str) -> Tool:
    # v0.31 is the last whose module holds the web pages that it embeds; a later one cannot be built from the module.
    module = "github.com/prometheus/alertmanager"
    return Tool(name, "alertmanager", module, f"{module}/cmd/{name}", (0, 27))


def _containerd(name: str, *asks: str) -> Tool:
    module = "github.com/containerd/containerd/v2"
    return Tool(name, "containerd", module, f"{module}/cmd/{name}", (2, 0), asks or ("--version",))


# Tools of one group are taken from one place, so that they are of one version: a controller manager may not
# be newer than its API server.
GROUPS: tuple[tuple[Tool, ...], ...] = (
    (Tool("etcd", "kubernetes", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", (3, 5)),),
    (
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
        _kubernetes("kubelet"),
        _kubernetes("kube-proxy"),
    ),
    (_containerd("containerd"), _containerd("containerd-shim-runc-v2", "-v"), _containerd("ctr")),
    (_kubernetes("kubectl", "version", "--client"),),
    (Tool("kwok", "kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", (0, 8)),),
    (Tool(STAGES, "kwok", "sigs.k8s.io/kwok", "", (0, 8), ()),),
    (_prometheus("prometheus"), _prometheus("promtool")),
    (_alertmanager("alertmanager"), _alertmanager("amtool")),
    (Tool("helm", "helm", "helm.sh/helm/v3", "helm.sh/helm/v3/cmd/helm", (3, 8), ("version", "--short")),),
)
TOOLS = {tool.name: tool for group in GROUPS for tool in group}

# What a real node has in place of kwok; these run on Linux only.
NODE_TOOLS: tuple[str, ...] = ("kubelet", "kube-proxy", "containerd", "containerd-shim-runc-v2", "ctr")

BUILD_FLAGS = ("-mod=readonly", "-trimpath")


def parse_version(line: str) -> tuple[int, int] | None:
    """Read (major, minor) out of the first line that a tool prints about its version."""
    found = re.search(r"\bv?(\d+)\.(\d+)", line)
    return (int(found[1]), int(found[2])) if found else None


def platform_names() -> tuple[str, str]:
    """Name system and processor as Go does: ("linux", "amd64")."""
    machine = platform.machine().lower()
    return sys.platform, {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def cache_key(folder: Path, tools: list[Tool]) -> str:
    """Name what a build of `tools` from the go.mod and go.sum in `folder` gives; another for each change."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((folder / name).read_bytes())
    told = [*BUILD_FLAGS, *platform_names(), *(f"{tool.name} {tool.link_flags}" for tool in tools)]
    digest.update("\0".join(told).encode())
    return f"{folder.name}-{digest.hexdigest()[:12]}"
