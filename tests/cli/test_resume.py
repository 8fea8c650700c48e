import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline.cli.resuming import resume
from frostline.cli.talking import RefusedError
from frostline.kubernetes.resource import Objects, Resource

FREEZE = "validatingadmissionpolicybindings/frostline-freeze"
KEEP = "validatingadmissionpolicybindings/frostline-keep"
MEMORY = {
    "frostline.dev/armed-freeze": "killed 2026-01-01T00:00:00Z",
    "frostline.dev/armed-keep": "armed 2026-01-01T00:00:00Z",
}


class Fake(Objects):
    """An API server with an operator that arms after it was looked at `patience` times; None: there is no operator."""

    def __init__(
        self, *present: str, memory: dict[str, str], patience: int | None = 0, status: int | None = None
    ) -> None:
        self.present = set(present)
        self.memory = dict(memory)
        self._patience = patience
        self._status = status
        self._forgotten: set[str] = set()

    async def knows(self, _resource: Resource) -> bool:
        return True

    async def get(self, resource: Resource, _namespace: str | None, name: str) -> Mapping[str, Any] | None:
        if self._status is not None:
            raise ApiException(status=self._status, reason="Forbidden")
        if resource.plural == "validatingadmissionpolicies":
            return {"metadata": {"annotations": self.memory}}
        if self._forgotten and self._patience is not None:
            self._patience -= 1
            if self._patience < 0:
                self.present |= self._forgotten
        called = f"{resource.plural}/{name}"
        return {} if called in self.present else None

    async def merge(
        self,
        _resource: Resource,
        _namespace: str | None,
        _name: str,
        patch: Mapping[str, Any],
        *,
        sub: str | None = None,
    ) -> Mapping[str, Any] | None:
        assert sub is None
        for annotation, value in patch["metadata"]["annotations"].items():
            assert value is None
            del self.memory[annotation]
            part = annotation.rpartition("-")[2]
            self._forgotten.add(f"validatingadmissionpolicybindings/frostline-{part}")
        return {}


def resumed(fake: Fake, patience_s: float = 20) -> int:
    return asyncio.run(resume(fake, patience_s))


def test_what_is_gone_is_forgotten_and_awaited(capsys: pytest.CaptureFixture[str]) -> None:
    fake = Fake(memory=MEMORY, patience=3)

    assert resumed(fake) == 0

    assert fake.memory == {}
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "resumed validatingadmissionpolicybinding/frostline-freeze, found deleted at 2026-01-01T00:00:00Z",
        "resumed validatingadmissionpolicybinding/frostline-keep, deleted a moment ago",
        "armed again: releases are held back where a budget is spent",
    ]


def test_what_still_stands_is_not_forgotten() -> None:
    fake = Fake(KEEP, memory=MEMORY)

    resumed(fake)

    assert list(fake.memory) == ["frostline.dev/armed-keep"]


@pytest.mark.parametrize(
    ("present", "said"),
    [
        pytest.param((FREEZE, KEEP), "armed: validatingadmissionpolicybinding/frostline-freeze", id="all armed"),
        pytest.param((), "nothing is armed either", id="never armed"),
    ],
)
def test_nothing_to_resume(present: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert resumed(Fake(*present, memory=MEMORY if present else {})) == 0
    assert said in capsys.readouterr().out


def test_an_operator_that_does_not_answer_is_said() -> None:
    with pytest.raises(RefusedError, match=r"has not made .*frostline-freeze.* kubectl get pods"):
        resumed(Fake(memory=MEMORY, patience=None), patience_s=0)


def test_a_lack_of_rights_says_what_it_takes() -> None:
    with pytest.raises(RefusedError, match=r"you may not resume.*patch validatingadmissionpolicies/frostline-freeze"):
        resumed(Fake(memory=MEMORY, status=403))


def test_an_api_server_in_trouble_raises() -> None:
    with pytest.raises(ApiException):
        resumed(Fake(memory=MEMORY, status=500))
