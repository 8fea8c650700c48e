import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline.controller.gitops import GitOps
from frostline.core.gitops import Owner, Tool


class Fake:
    """Has every object, unless it raises or has nothing."""

    def __init__(self, live: Mapping[str, Any] | Exception | None) -> None:
        self.live = live
        self.patched: list[tuple[str, dict[str, Any]]] = []

    async def get(self, _owner: Owner) -> Mapping[str, Any] | None:
        if isinstance(self.live, Exception):
            raise self.live
        return self.live

    async def patch(self, owner: Owner, patch: dict[str, Any]) -> None:
        self.patched.append((str(owner), patch))


def workload(name: str, kustomization: str) -> dict[str, Any]:
    group = "kustomize.toolkit.fluxcd.io"
    labels = {f"{group}/name": kustomization, f"{group}/namespace": "flux-system"}
    return {"namespace": "dating", "name": name, "labels": labels}


LABELLED = {"namespace": "dating", "name": "web", "labels": {"app.kubernetes.io/instance": "shop"}}


def lift(fake: Fake, *workloads: dict[str, Any], tools: frozenset[Tool] = frozenset(Tool), times: int = 1) -> None:
    async def run() -> None:
        gitops = GitOps(fake, tools)
        for time in range(times):
            await gitops.lifted(workloads, 1_800_000_000 + time)

    asyncio.run(run())


def test_each_owner_is_asked_once() -> None:
    fake = Fake({})

    lift(fake, workload("web", "apps"), workload("chat", "apps"), workload("db", "data"))

    assert [owner for owner, _ in fake.patched] == [
        "kustomizations/apps in flux-system",
        "kustomizations/data in flux-system",
    ]


def test_every_lift_asks_anew() -> None:
    fake = Fake({})

    lift(fake, workload("web", "apps"), times=2)

    assert len({str(patch) for _, patch in fake.patched}) == 2


def test_a_tool_that_is_not_switched_on_is_left_alone() -> None:
    fake = Fake({})

    lift(fake, workload("web", "apps"), tools=frozenset({Tool.ARGOCD}))

    assert fake.patched == []


@pytest.mark.parametrize(
    ("live", "said"),
    [
        pytest.param(ApiException(status=403, reason="Forbidden"), "403 Forbidden", id="no right"),
        pytest.param(TimeoutError(), "TimeoutError", id="time-out"),
        pytest.param(None, "not there", id="gone"),
    ],
)
def test_what_cannot_be_asked_is_told_once(live: Exception | None, said: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lift(Fake(live), workload("web", "apps"), times=3)

    (line,) = caplog.messages
    assert said in line
    assert "kustomizations/apps in flux-system" in line


def test_a_guess_that_is_wrong_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lift(Fake(None), LABELLED)

    assert caplog.messages == []
