"""Which overrides a gate carries, and until when."""

from datetime import timedelta

import pytest

from frostline.api.gate import GateSpec
from frostline.controller.gating import Ask, Declared, longest_override
from frostline.core.policy import Releases
from tests.controller.gate_specs import ask, carried, claim, declared, made, spec, sure


@pytest.mark.parametrize(
    ("longest", "expires", "until"),
    [
        pytest.param(None, "2027-01-15T10:00:00Z", "10:00:00", id="as declared"),
        pytest.param(timedelta(hours=2), "2027-01-15T10:00:00Z", "09:00:00", id="as the policy has it"),
        pytest.param(timedelta(hours=9), "2027-01-15T10:00:00.9Z", "10:00:00", id="to the second"),
        pytest.param(None, "2029-01-15T10:00:00Z", "07:00:00", id="a day where no policy is known"),
    ],
)
def test_when_an_override_ends(longest: timedelta | None, expires: str, until: str) -> None:
    found = declared(expiresAt=expires).ends(longest)

    assert f"{found:%H:%M:%S}" == until
    assert found.microsecond == 0


@pytest.mark.parametrize(
    ("override", "old", "there"),
    [
        pytest.param(declared(), None, True, id="live"),
        pytest.param(declared(expiresAt="2027-01-15T07:30:00Z"), None, True, id="ended, and still told"),
        pytest.param(declared(expiresAt="2027-01-15T07:00:00Z"), None, False, id="ended an hour ago"),
        pytest.param(declared(workloads=[{"kind": "DaemonSet", "name": "gateway"}]), None, False, id="another kind"),
        pytest.param(declared(workloads=[{"kind": "Deployment", "name": "b"}]), None, False, id="another name"),
        pytest.param(declared(singleUse=True, used=True), None, False, id="used up elsewhere"),
        pytest.param(declared(singleUse=True, used=True), spec(overrides=[carried()]), True, id="used up here"),
        pytest.param(declared(used=True), None, True, id="used, and may be again"),
    ],
)
def test_which_overrides_a_gate_carries(override: Declared, old: GateSpec | None, *, there: bool) -> None:
    assert bool(sure(made(old, ask(), overrides=[override])).overrides) is there


def test_what_is_tied_stays_tied() -> None:
    tied = carried(used=True, template={"pod": {"a": 1}}, singleUse=True)

    (found,) = sure(made(spec(overrides=[tied]), ask(), overrides=[declared(singleUse=True, used=True)])).overrides

    assert (found.used, found.template) == (True, tied.template)


def test_the_tie_of_one_override_is_not_that_of_its_successor() -> None:
    tied = carried(used=True, template={"pod": {"a": 1}}, uid="predecessor")

    (found,) = sure(made(spec(overrides=[tied]), ask(), overrides=[declared()])).overrides

    assert (found.used, found.template) == (False, None)


@pytest.mark.parametrize(("users", "expected"), [([], ["anna"]), (["ben"], ["ben"])])
def test_who_may_use_it(users: list[str], expected: list[str]) -> None:
    (found,) = sure(made(None, ask(), overrides=[declared(users=users)])).overrides

    assert found.users == expected


@pytest.mark.parametrize(
    ("asks", "longest"),
    [
        pytest.param([ask()], timedelta(hours=24), id="one"),
        pytest.param(
            [ask(), ask("b", releases=Releases(longest_override=timedelta(hours=1)))], timedelta(hours=1), id="shortest"
        ),
        pytest.param([ask(at=None)], None, id="nothing known"),
    ],
)
def test_how_long_an_override_lives(asks: list[Ask], longest: timedelta | None) -> None:
    assert longest_override([claim(), claim("b")], asks) == longest


def test_where_no_policy_is_known_an_end_once_set_stays() -> None:
    old = spec(overrides=[carried(until="2027-01-15T09:00:00Z")])

    (found,) = sure(made(old, ask(at=None), overrides=[declared(expiresAt="2027-01-16T00:00:00Z")])).overrides

    assert found.until == old.overrides[0].until
