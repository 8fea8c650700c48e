"""How to reach the API server: a kubeconfig outside the cluster, the service account inside."""

import os
from dataclasses import dataclass
from pathlib import Path

import kopf
import yaml
from kubernetes import client as blocking
from kubernetes import config as blocking_config
from kubernetes.aio import client, config

from frostline.kubernetes.fence import Fence, guarding

_BEARER = "BearerToken"
"""What the official client calls the token among its keys."""

_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"

_MALFORMED = (OSError, yaml.YAMLError, TypeError, ValueError, AttributeError)
"""What the official client raises for a file that is there and is no kubeconfig."""


class NoClusterError(RuntimeError):
    """Address or credentials of the API server cannot be had."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which API server. Without a kubeconfig: the service account in a pod, else the user's own kubeconfig."""

    kubeconfig: Path | None = None
    context: str | None = None

    @property
    def _inside(self) -> bool:
        return self.kubeconfig is None and self.context is None and _IN_CLUSTER in os.environ

    @property
    def _file(self) -> str | None:
        return None if self.kubeconfig is None else str(self.kubeconfig)

    def namespace(self) -> str:
        """Return the namespace that a person works in, as kubectl takes it: that of the context, else default.

        Raises:
            NoClusterError: there is no usable kubeconfig.
        """
        try:
            contexts, current = blocking_config.list_kube_config_contexts(self._file)
        except (blocking_config.ConfigException, *_MALFORMED) as error:
            raise NoClusterError(self._explain(error)) from error
        named = [each for each in contexts if each["name"] == self.context] or [current]
        return str(named[0]["context"].get("namespace") or "default")

    async def connect(self, fence: Fence | None = None) -> client.ApiClient:
        """Return the asynchronous client; with a `fence`, it sends no write that the fence does not let pass.

        Raises:
            NoClusterError: there is no usable kubeconfig and no service account.
        """
        try:
            configuration = client.Configuration()
            if self._inside:
                config.load_incluster_config(client_configuration=configuration)
            else:
                await config.load_kube_config(
                    config_file=self._file, context=self.context, client_configuration=configuration
                )
        except (config.ConfigException, *_MALFORMED) as error:
            raise NoClusterError(self._explain(error)) from error
        if fence is not None:
            configuration.trace_configs = [guarding(fence)]
        return client.ApiClient(configuration)

    def credentials(self) -> kopf.ConnectionInfo:
        """Return what kopf's watches log in with; read anew at each login, so that rotated tokens are found.

        Raises:
            NoClusterError: there is no usable kubeconfig and no service account.
        """
        try:
            settings = blocking.Configuration()
            if self._inside:
                blocking_config.load_incluster_config(client_configuration=settings)
            else:
                blocking_config.load_kube_config(
                    config_file=self._file, context=self.context, client_configuration=settings
                )
        except (blocking_config.ConfigException, *_MALFORMED) as error:
            raise NoClusterError(self._explain(error)) from error
        header: str | None = settings.get_api_key_with_prefix(_BEARER)
        scheme, _, token = (header or "").partition(" ")
        return kopf.ConnectionInfo(
            server=settings.host,
            ca_path=settings.ssl_ca_cert,
            insecure=not settings.verify_ssl,
            username=settings.username or None,
            password=settings.password or None,
            scheme=scheme if token else None,
            token=token or None,
            certificate_path=settings.cert_file,
            private_key_path=settings.key_file,
        )

    def _explain(self, error: Exception) -> str:
        if self._inside:
            return f"the pod's service account cannot be read: {error}; is automountServiceAccountToken off?"
        where = self.kubeconfig or "the default kubeconfig"
        return f"no cluster from {where}: {error}; give --kubeconfig FILE, or run in a pod"
