"""Installing charts/frostline, once per content."""

import hashlib
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.kubectl import Kubectl, run
from e2e.cluster.site import Site
from e2e.cluster.state import REPOSITORY, locked

CHART = REPOSITORY / "charts" / "frostline"
RELEASE = "frostline"
NAMESPACE = "frostline-system"
HELM_SECONDS = 120

# As helm labels the record of a release that it is at work on.
PENDING = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)"


class Chart:
    """The chart's release in the cluster of a site.

    Args:
        site: whose cluster.
        source: folder of the chart.

    """

    def __init__(self, site: Site, source: Path = CHART) -> None:
        self._site = site
        self._source = source

    def install(self, prometheus_url: str) -> bool:
        """Install or upgrade the chart without operator and webhook in the cluster: they run as processes here.

        Returns:
            False if this very chart is installed already.

        Raises:
            ClusterError: there is no chart, or helm fails.

        """
        if not (self._source / "Chart.yaml").exists():
            raise ClusterError(f"There is no chart in {self._source}.")
        values = ("--set", "operator.replicas=0,webhook.replicas=0", "--set-string", f"prometheus.url={prometheus_url}")
        digest = self._digest(values)
        if self._site.state.get("chart") == digest and self.installed():
            return False
        # Written before, so that a release is known as ours even when we are killed halfway.
        self._site.state.put(release=RELEASE, chart="")
        self._forget_interrupted()
        wait = ("--wait", "--timeout", f"{HELM_SECONDS}s")
        place = ("--namespace", NAMESPACE, "--create-namespace")
        self._helm("upgrade", "--install", RELEASE, str(self._source), *place, *values, *wait)
        self._wait_for_kinds()
        self._site.state.put(chart=digest)
        return True

    def installed(self) -> bool:
        """Say whether the release is there, in whatever state."""
        return self._helm("status", RELEASE, "--namespace", NAMESPACE, check=False) == 0

    def uninstall(self) -> None:
        """Remove the release; the CRDs stay, as helm leaves them.

        Raises:
            ClusterError: helm fails, or the cluster does not answer.

        """
        self._helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
        self._site.state.put(release="", chart="")

    def _helm(self, *arguments: str, check: bool = True) -> int:
        helm = str(self._site.tool("helm"))
        # helm inherits the lock: if we are killed, the next run waits until the helm left behind has ended.
        with locked(self._site.folder / "helm.lock", self._site.tell) as lock:
            timeout = HELM_SECONDS + 60
            return run(
                [helm, *arguments], self._site.kubeconfig, check=check, timeout=timeout, keep_open=(lock,)
            ).returncode

    def _forget_interrupted(self) -> None:
        """Remove the record of a helm that was killed at work; helm would wait for that one for ever."""
        kubectl = Kubectl(self._site.tool("kubectl"), self._site.kubeconfig)
        kubectl("delete", "secret", "--namespace", NAMESPACE, "--selector", PENDING)

    def _wait_for_kinds(self) -> None:
        kubectl = Kubectl(self._site.tool("kubectl"), self._site.kubeconfig)
        listed = kubectl("get", "crd", "--output", "name").stdout.split()
        ours = [name for name in listed if name.endswith(".frostline.dev")]
        if ours:
            kubectl("wait", "--for=condition=Established", "--timeout=30s", *ours)

    def _digest(self, values: tuple[str, ...]) -> str:
        digest = hashlib.sha256("\0".join(values).encode())
        for path in sorted(self._source.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(self._source)).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]
