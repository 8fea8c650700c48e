import argparse
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from kubernetes.aio.client import ApiException

from frostline.cli import override_command
from frostline.cli.main import parser
from frostline.cli.overriding import Asked, override
from frostline.cli.talking import RefusedError
from frostline.core.policy import OverrideClass
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.resource import Objects, Resource

UNTIL = datetime(2030, 1, 1, 12, tzinfo=UTC)
WEB = ("Deployment", "web")
GATE = {
    "spec": {
        "rule": "Freeze",
        "overrideClasses": ["Security"],
        "by": [{"objective": "matching", "level": "Exhausted"}],
        "shape": {},
    }
}
LINE = ["override", "deploy/web", "--class", "security", "--reason", "x"]


def refusal(status: int, message: str = "no") -> ApiException:
    error = ApiException(status=status, reason="Refused")
    error.body = f'{{"message": "{message}"}}'
    return error


class Fake(Objects):
    """An API server of one user, who is ann."""

    def __init__(
        self,
        gate: Mapping[str, Any] | ApiException | None = GATE,
        created: ApiException | None = None,
        states: tuple[Mapping[str, Any] | None, ...] = (),
    ) -> None:
        self.gate = gate
        self.refuses = created
        self.states = list(states)
        self.made: list[tuple[str, Mapping[str, Any], bool]] = []

    async def get(self, resource: Resource, _namespace: str | None, _name: str) -> Mapping[str, Any] | None:
        if resource.plural == "releasegates":
            if isinstance(self.gate, ApiException):
                raise self.gate
            return self.gate
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return None if state is None else {**self.made[-1][1], "status": state}

    async def create(
        self, resource: Resource, manifest: Mapping[str, Any], *, dry_run: bool = False
    ) -> Mapping[str, Any]:
        if resource.plural == "selfsubjectreviews":
            return {"status": {"userInfo": {"username": "ann"}}}
        if self.refuses is not None:
            raise self.refuses
        made = {**manifest, "metadata": {"name": "made-up", **manifest["metadata"]}}
        self.made.append((resource.plural, made, dry_run))
        return made


def asked(**changed: Any) -> Asked:
    given: dict[str, Any] = {
        "namespace": "dating",
        "workloads": (WEB,),
        "override_class": OverrideClass.SECURITY,
        "reason": "login",
        "until": UNTIL,
    }
    return Asked(**(given | changed))


def overridden(fake: Fake, patience_s: float = 20, **changed: Any) -> int:
    return asyncio.run(override(fake, Cluster(), asked(**changed), patience_s))


def live(status: str, reason: str = "Live", message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": "Live", "status": status, "reason": reason, "message": message}]}


def test_the_manifest_says_what_was_asked() -> None:
    fake = Fake(states=(live("True"),))

    overridden(
        fake, ticket="SEC-1", images=("web:2",), users=("ci",), single_use=True, workloads=(WEB, ("DaemonSet", "log"))
    )

    ((plural, made, dry_run),) = fake.made
    assert plural == "releaseoverrides"
    assert not dry_run
    assert made["spec"] == {
        "class": "Security",
        "reason": "login",
        "ticket": "SEC-1",
        "workloads": [{"kind": "Deployment", "name": "web"}, {"kind": "DaemonSet", "name": "log"}],
        "expiresAt": "2030-01-01T12:00:00Z",
        "requestedBy": "ann",
        "users": ["ci"],
        "images": ["web:2"],
        "singleUse": True,
    }
    assert made["metadata"]["generateName"] == "web-security-"


def test_waits_until_it_counts_and_says_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    pending = live("False", "Pending", "the gate is being written")
    counted = live("True") | {"until": "2030-01-01T10:00:00Z"}

    assert overridden(Fake(states=({}, pending, counted))) == 0

    out, err = capsys.readouterr()
    assert "releaseoverride/made-up is live until 2030-01-01 10:00 UTC, for ann." in out
    assert "kubectl set image deployment/web -n dating" in out
    assert "the gate is being written" in err


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(
            live("False", "ClassNotAllowed", "class Security does not count"), "does not count: class", id="class"
        ),
        pytest.param(live("False", "Expired"), "does not count: Expired", id="without words"),
        pytest.param(None, "is gone", id="deleted"),
    ],
)
def test_says_why_it_does_not_count(state: dict[str, Any] | None, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        overridden(Fake(states=(state,)))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param({}, "the operator has not seen it", id="nobody answers"),
        pytest.param(
            live("False", "Pending", "not passed on yet"), "not passed on yet; the operator's log", id="stuck"
        ),
    ],
)
def test_an_override_that_is_not_taken_up_is_said(state: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        overridden(Fake(states=(state,)), patience_s=0.1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            refusal(403, "ann cannot create resource releaseoverrides"),
            r"ann may not create overrides in dating(.|\n)*--clusterrole=frostline-override --user=ann",
            id="no right",
        ),
        pytest.param(refusal(403, "requestedBy must be you"), "not taken: 403 requestedBy must be you", id="a guard"),
        pytest.param(refusal(404, "namespaces x not found"), "there is no namespace dating", id="no namespace"),
        pytest.param(refusal(404), "is the chart installed", id="not installed"),
        pytest.param(refusal(409), "take another --name", id="taken"),
        pytest.param(refusal(422, "reason is too long"), "not taken: 422 reason is too long", id="invalid"),
    ],
)
def test_a_refusal_says_what_to_do(error: ApiException, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        overridden(Fake(created=error))


def test_a_class_that_the_gate_does_not_take_is_not_created() -> None:
    fake = Fake()

    with pytest.raises(RefusedError, match="slo/matching is Exhausted: use --class Security; no override"):
        overridden(fake, override_class=OverrideClass.LOW_RISK)

    assert fake.made == []


@pytest.mark.parametrize("gate", [refusal(403), {"spec": {"rule": "Warn"}}], ids=["may not look", "only warns"])
def test_a_gate_that_says_nothing_does_not_hinder(gate: Any) -> None:
    assert overridden(Fake(gate, states=(live("True"),)), override_class=OverrideClass.LOW_RISK) == 0


def test_no_gate_no_override(capsys: pytest.CaptureFixture[str]) -> None:
    fake = Fake(gate=None)

    assert overridden(fake) == 0

    assert fake.made == []
    assert "release right away" in capsys.readouterr().out


def test_dry_run_creates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    fake = Fake()

    assert overridden(fake, dry_run=True, name="fix") == 0

    assert [(plural, dry_run) for plural, _, dry_run in fake.made] == [("releaseoverrides", True)]
    assert capsys.readouterr().out == "releaseoverride/fix is in order; it was not created\n"


def test_yaml_is_printed_also_where_nothing_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    fake = Fake(gate=None)

    assert overridden(fake, print_only=True) == 0

    assert fake.made == []
    assert yaml.safe_load(capsys.readouterr().out)["kind"] == "ReleaseOverride"


@pytest.mark.parametrize(
    ("text", "workload"),
    [
        ("deployment/web", ("Deployment", "web")),
        ("deploy/web", ("Deployment", "web")),
        ("deployments.apps/web", ("Deployment", "web")),
        ("Sts/db", ("StatefulSet", "db")),
        ("ds/log", ("DaemonSet", "log")),
    ],
)
def test_workloads_are_named_as_in_kubectl(text: str, workload: tuple[str, str]) -> None:
    assert override_command.workload(text) == workload


@pytest.mark.parametrize("text", ["web", "deploy/", "pod/web", "/web"])
def test_what_is_no_workload_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="deployment/NAME"):
        override_command.workload(text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--class", "hotfix"], "must be one of LowRisk, Reliability, Security, Emergency"),
        (["--reason", " "], "must not be empty"),
        (["--until", "tomorrow"], "must be a moment such as"),
        (["--until", "2030-01-01T12:00"], "in which time zone"),
        (["--until", "2020-01-01T12:00Z"], "is over already"),
        (["--for", "1h", "--until", "2030-01-01T12:00Z"], "not allowed with"),
        (["--for", "0s"], "at least 1s"),
        (["--dry-run", "-o", "yaml"], "not allowed with"),
        (["--like", "gone"], 'no file "gone"'),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_mistakes_of_the_command_line(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser({}).parse_args([*LINE, *more])

    assert said in capsys.readouterr().err


def test_how_long_it_counts_is_read() -> None:
    assert parser({}).parse_args([*LINE, "--for", "90m"]).length == timedelta(minutes=90)
