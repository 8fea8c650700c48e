"""A real node as processes: containerd, kubelet and kube-proxy. Runs in namespaces of its own only."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from e2e.cluster.caller import PLAIN
from e2e.cluster.certificates import NODE_ADDRESS
from e2e.cluster.controlplane import ControlPlane
from e2e.cluster.errors import ClusterError
from e2e.cluster.launch import write_atomically
from e2e.cluster.node_images import PAUSE
from e2e.cluster.processes import Command
from e2e.cluster.supervisor import Part, Ports
from e2e.cluster.waiting import becomes

NAME = "node-1"
POD_ADDRESSES = "10.244.0.0/24"
READY_SECONDS = 90.0

API_FLAGS = (
    "--bind-address=0.0.0.0",
    # Where pods reach it, behind the cluster IP of the Service `kubernetes`.
    f"--advertise-address={NODE_ADDRESS}",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--kubelet-preferred-address-types=InternalIP",
)
CLIENTS = ("controller-manager", "scheduler", "kubelet", "kube-proxy")


class Node:
    """The parts of a node in one state folder.

    Args:
        folder: of the state.
        tools: path of each binary by name, those of the system included.
        plane: whose node it is.
        cgroup: that pods are put below.

    """

    def __init__(self, folder: Path, tools: Callable[[str], Path], plane: ControlPlane, cgroup: str) -> None:
        self._folder = folder / "node"
        self._tools = tools
        self._plane = plane
        self._cgroup = cgroup
        self.containerd = Part("containerd", (), self._containerd, self._containerd_ready)
        self.kubelet = Part("kubelet", ("https", "health"), self._kubelet, self._kubelet_ready)
        self.kube_proxy = Part("kube-proxy", ("health", "metrics"), self._kube_proxy, self._kube_proxy_ready)

    @property
    def socket(self) -> Path:
        """Where containerd is asked."""
        # Short, and gone with the namespaces: a socket's path may have 107 characters.
        return Path("/run/containerd.sock")

    def load(self, archive: Path) -> None:
        """Give containerd the images of an archive.

        Raises:
            ClusterError: it does not take them.

        """
        self._ctr("images", "import", "--local", str(archive))

    def tag(self, image: str, *others: str) -> None:
        """Have an image go by other names as well.

        Raises:
            ClusterError: there is no such image.

        """
        self._ctr("images", "tag", "--force", image, *others)

    def wait_until_ready(self) -> None:
        """Wait until the node is Ready.

        Raises:
            ClusterError: it is not in time.

        """
        if not becomes(self._is_ready, READY_SECONDS):
            raise ClusterError(f"The node {NAME} was not ready within {READY_SECONDS:g} s; see kubelet.log.")

    def _is_ready(self) -> bool:
        node = self._plane.read(f"/api/v1/nodes/{NAME}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _ctr(self, *arguments: str) -> str:
        argv = [str(self._tools("ctr")), f"--address={self.socket}", "--namespace=k8s.io", *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"`{' '.join(argv)}` failed: {done.stderr.strip()}")
        return done.stdout

    def _containerd(self, _: Ports) -> Command:
        plugins = self._tools("ptp").parent
        runtime = {
            "disable_apparmor": True,
            # In a container of somebody's we may not lower the score.
            "restrict_oom_score_adj": True,
            "cni": {"bin_dirs": [str(plugins)], "conf_dir": str(self._folder / "cni")},
        }
        images = {"snapshotter": "overlayfs", "pinned_images": {"sandbox": PAUSE}}
        config = {
            "version": 3,
            "root": str(self._folder / "containerd"),
            "state": "/run/containerd",
            "grpc": {"address": str(self.socket)},
            "plugins": {"io.containerd.cri.v1.images": images, "io.containerd.cri.v1.runtime": runtime},
        }
        file = self._write("containerd.toml", toml(config))
        network = {
            "cniVersion": "1.0.0",
            "name": "frostline",
            # Point to point, not a bridge: what a pod sends to another passes the node's packet filter, and so do the
            # answers. On a bridge they would not, and Services would not work between pods.
            "plugins": [
                {
                    "type": "ptp",
                    "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": POD_ADDRESSES}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        }
        nets = self._write("cni/10-frostline.conflist", json.dumps(network))
        shims = (self._tools("containerd-shim-runc-v2").parent, self._tools("runc").parent)
        path = os.pathsep.join((*map(str, shims), "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
        return Command("containerd", (str(self._tools("containerd")), f"--config={file}"), (file, nets), {"PATH": path})

    def _containerd_ready(self, _: Ports) -> bool:
        try:
            self._ctr("version")
        except ClusterError:
            return False
        return True

    def _kubelet(self, ports: Ports) -> Command:
        certs = self._plane.certs
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "0.0.0.0",
            "port": ports["https"],
            "healthzPort": ports["health"],
            "tlsCertFile": f"{certs}/serving.crt",
            "tlsPrivateKeyFile": f"{certs}/serving.key",
            "authentication": {"x509": {"clientCAFile": f"{certs}/ca.crt"}, "anonymous": {"enabled": False}},
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            # There is no DNS in the cluster, and pods shall not ask the machine's.
            "resolvConf": str(self._write("resolv.conf", "nameserver 127.0.0.1\n")),
            "podLogsDir": "/var/log/pods",
            # Full disks are the machine's affair, not the tests'.
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi"},
            "imageGCHighThresholdPercent": 100,
            "maxPods": 100,
            "registerNode": True,
            # Rollouts of tests are many and short.
            "kubeAPIQPS": 100,
            "kubeAPIBurst": 200,
            "serializeImagePulls": False,
        }
        file = self._write("kubelet.yaml", yaml.safe_dump(config))
        identity = self._plane.client_config("kubelet")
        arguments = (
            f"--config={file}",
            f"--kubeconfig={identity}",
            f"--root-dir={self._folder / 'kubelet'}",
            f"--hostname-override={NAME}",
            f"--node-ip={NODE_ADDRESS}",
        )
        return Command("kubelet", (str(self._tools("kubelet")), *arguments), (file, identity), _SYSTEM_PATH)

    def _kubelet_ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://127.0.0.1:{ports['health']}/healthz")

    def _kube_proxy(self, ports: Ports) -> Command:
        identity = self._plane.client_config("kube-proxy")
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": str(identity)},
            "hostnameOverride": NAME,
            "clusterCIDR": POD_ADDRESSES,
            "healthzBindAddress": f"127.0.0.1:{ports['health']}",
            "metricsBindAddress": f"127.0.0.1:{ports['metrics']}",
            # A table of its own size belongs to the machine, which we may not tell.
            "conntrack": {"maxPerCore": 0, "min": 0},
        }
        file = self._write("kube-proxy.yaml", yaml.safe_dump(config))
        return Command(
            "kube-proxy", (str(self._tools("kube-proxy")), f"--config={file}"), (file, identity), _SYSTEM_PATH
        )

    def _kube_proxy_ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://127.0.0.1:{ports['health']}/healthz")

    def _write(self, name: str, text: str) -> Path:
        file = self._folder / name
        write_atomically(file, text)
        return file


# iptables and mount, wherever the person's PATH does not lead.
_SYSTEM_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def toml(table: dict[str, object], path: tuple[str, ...] = ()) -> str:
    """Write a document of tables, texts, lists of texts, numbers and flags as TOML."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{'.'.join(json.dumps(each) for each in path)}]"] if path else []
    lines += [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    inner = [toml(value, (*path, key)) for key, value in table.items() if isinstance(value, dict)]
    return "\n".join([*lines, *inner])
