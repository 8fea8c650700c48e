"""CLUSTER=existing: somebody's cluster, named on purpose."""

from collections.abc import Mapping

from e2e.cluster import kubeconfig
from e2e.cluster.chart import NAMESPACE, RELEASE, Chart
from e2e.cluster.errors import ClusterError
from e2e.cluster.kubectl import run
from e2e.cluster.launch import write_atomically
from e2e.cluster.providers import COMMON_TOOLS
from e2e.cluster.site import Site
from e2e.cluster.supervisor import Part

PROXIES: tuple[str, ...] = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class ExistingProvider:
    """A cluster that is there: what is put into it is the chart, and that is taken out again.

    Args:
        site: where its kubeconfig is copied to.
        environment: with KUBECONFIG and CLUSTER_CONTEXT.

    """

    name = "existing"
    tools = COMMON_TOOLS
    passed_on = PROXIES

    def __init__(self, site: Site, environment: Mapping[str, str]) -> None:
        self._site = site
        self._environment = environment

    def check(self) -> None:
        """Refuse a cluster that was not named on purpose.

        Raises:
            ClusterError: KUBECONFIG or CLUSTER_CONTEXT is not given, or does not fit the other.

        """
        chosen_context(self._environment)

    def prepare(self) -> None:
        """Do nothing: the cluster is somebody else's."""

    def start(self) -> None:
        """Copy the kubeconfig of the one context, see that it answers and that no other Frostline is there.

        Raises:
            ClusterError: the cluster does not answer, or has a release that was not installed from here.

        """
        context = chosen_context(self._environment)
        before = self._site.state.get("context")
        if before and before != context:
            raise ClusterError(
                f"{self._site.folder} is in use for the context {before}, and {context} was asked for:"
                " take that down first (make down)."
            )
        self._site.state.put(context=context)
        kubectl = str(self._site.tool("kubectl"))
        view = [kubectl, "config", "view", "--raw", "--flatten", "--minify", f"--context={context}"]
        minified = run(view, self._source()).stdout
        write_atomically(self._site.kubeconfig, minified, mode=0o600)
        run([kubectl, "get", "--raw", "/readyz", "--request-timeout=15s"], self._site.kubeconfig)
        if not self._site.state.get("release") and Chart(self._site).installed():
            raise ClusterError(
                f"The context {context} has a release {RELEASE} in {NAMESPACE} already that was not installed"
                " from here, and it is left alone: uninstall it yourself or name another context."
            )

    def release(self) -> None:
        """Uninstall the chart if it was installed from here; namespace and CRDs stay, with what is in them.

        Raises:
            ClusterError: the cluster does not answer.

        """
        if self._site.state.get("release"):
            Chart(self._site).uninstall()
            self._site.tell(f"  uninstalled {RELEASE}; namespace {NAMESPACE} and the CRDs are left in the cluster")

    def parts(self) -> list[Part]:
        """Name the processes of this machine: there are none."""
        return []

    def _source(self) -> str:
        return self._environment["KUBECONFIG"]


def chosen_context(environment: Mapping[str, str]) -> str:
    """Return the context that CLUSTER_CONTEXT names.

    Raises:
        ClusterError: it or KUBECONFIG is not given, or the files do not have that context.

    """
    files = environment.get("KUBECONFIG", "")
    if not files:
        raise ClusterError("CLUSTER=existing needs KUBECONFIG: the kubeconfig of the cluster to use.")
    names = kubeconfig.context_names(files)
    wanted = environment.get("CLUSTER_CONTEXT", "")
    offered = ", ".join(names) or "none"
    if not wanted:
        raise ClusterError(
            "CLUSTER=existing needs CLUSTER_CONTEXT, so that no cluster is used by accident;"
            f" {files} has the contexts: {offered}."
        )
    if wanted not in names:
        raise ClusterError(f"There is no context {wanted} in {files}; it has: {offered}.")
    return wanted
