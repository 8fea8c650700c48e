"""The first quarter of an hour of a platform team: helm install, a promise, its first status."""

import json
import time
from collections.abc import Callable

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, Release, ready
from e2e.node.spent import Spent


def test_a_promise_has_a_status_soon_after_helm_install_with_default_values(
    release: Release, prometheus: str, spent: Spent, tell: Callable[[str], None]
) -> None:
    if release.installed():
        release.uninstall()
    began = time.monotonic()

    release.install(prometheus)
    installed = time.monotonic() - began
    spent.promise()
    status = eventually(lambda: spent.status().get("sli") and spent.status(), 90, spent.describe)

    tell(f"  helm install --wait: {installed:.1f} s; first status: {time.monotonic() - began:.1f} s after its start")
    assert [len(release.pods(each)) for each in ("operator", "webhook")] == [1, 3]
    assert all(ready(pod) for each in ("operator", "webhook") for pod in release.pods(each))
    assert float(status["sli"]) < 99
