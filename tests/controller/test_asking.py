from dataclasses import replace
from typing import Any

import pytest

from frostline.api.accept import Accepted, accept
from frostline.controller.account import Key
from frostline.controller.asking import Surroundings, ask, not_found, unread
from frostline.controller.namespaces import SeenNamespace
from frostline.controller.policies import Governed
from frostline.controller.protection import Workloads
from frostline.controller.workloads import SeenWorkload
from frostline.core.assess import Assessment, Case, assess
from frostline.core.assess import Fresh as Answered
from frostline.core.gate import Workload
from frostline.core.outcome import NoData, NoTraffic, Outcome, Rehydrating, Stale
from frostline.core.policy import BUILT_IN, Level, Mode, Releases
from frostline.core.view import Counts
from tests.controller.freezing import GATEWAY, promise
from tests.support.objectives import AT, DAY, HOUR, filled, steady

KEY = Key("dating", "matching")


def accepted(**more: Any) -> Accepted:
    found = accept({**promise(), **more})
    assert isinstance(found, Accepted), found
    return found


def assessment(outcome: Outcome | None = None) -> Assessment:
    """Return that of a promise with 1.5 times its budget spent."""
    objective = accepted().objective
    found = assess(Case(objective, BUILT_IN, Answered(AT), before=None), filled(objective, AT, steady(0.0015)).view(AT))
    return found if outcome is None else found._replace(outcome=outcome)


def namespace(mode: str | None) -> SeenNamespace:
    return SeenNamespace(Key("", "dating"), "n", "1", deleting=False, mode=mode, source=None, enforced=False, labels={})


def workload(name: str) -> SeenWorkload:
    key = Workload("dating", "Deployment", name)
    return SeenWorkload(key, name, "1", False, {}, {}, b"", 0, True)


def around(policy: Mode = Mode.ENFORCE, label: str | None = None, **more: Any) -> Surroundings:
    least = Surroundings(
        name="dating",
        governed=Governed("strict", replace(BUILT_IN, releases=Releases(mode=policy))),
        namespace=namespace(label),
        workloads=Workloads([workload("gateway"), workload("search")]),
        exempt=False,
    )
    return least._replace(**more)


def test_what_a_promise_asks_for() -> None:
    found = ask(KEY, "a", accepted(), assessment(), around())

    assert (found.key, found.uid, found.policy, found.trouble) == (KEY, "a", "strict", "")
    assert found.through == {Workload("dating", "Deployment", "gateway"): "Deployment/gateway"}
    assert found.entries == frozenset({"Deployment/gateway"})
    standing = found.standing
    assert standing is not None
    assert (standing.level, standing.mode, standing.covered) == (Level.EXHAUSTED, Mode.ENFORCE, True)
    assert standing.remaining == pytest.approx(-0.5)
    assert standing.measured_at == AT
    assert standing.lifts_about is not None


@pytest.mark.parametrize(
    ("policy", "label", "mode"),
    [
        pytest.param(Mode.ENFORCE, None, Mode.ENFORCE, id="no label"),
        pytest.param(Mode.ENFORCE, "Warn", Mode.WARN, id="lowered"),
        pytest.param(Mode.OBSERVE, "Enforce", Mode.OBSERVE, id="never raised"),
        pytest.param(Mode.ENFORCE, "warn", None, id="no mode"),
    ],
)
def test_how_far_the_policy_goes(policy: Mode, label: str | None, mode: Mode | None) -> None:
    found = ask(KEY, "a", accepted(), assessment(), around(policy, label))

    assert (None if found.standing is None else found.standing.mode) == mode
    assert (found.trouble == "") is (mode is not None)
    if mode is None:
        assert found.trouble == "label frostline.dev/mode=warn is none of Observe, Warn, Enforce"


def test_an_exempt_namespace_observes_whatever_its_label() -> None:
    for label in (None, "Enforce", "nonsense"):
        assert around(label=label, exempt=True).mode is Mode.OBSERVE


def test_a_namespace_that_is_not_known_yet_goes_as_far_as_the_policy() -> None:
    assert around(Mode.WARN, namespace=None).mode is Mode.WARN


@pytest.mark.parametrize(
    ("given", "surroundings", "trouble"),
    [
        pytest.param(None, around(), "Rehydrating", id="not looked at yet"),
        pytest.param(Assessment(Rehydrating(0.5), None, None), around(), "Rehydrating", id="being read"),
        pytest.param(assessment()._replace(level=None), around(), "", id="a figure, no level"),
        pytest.param(
            assessment(), around(governed=Governed("strict", BUILT_IN, "no such policy")), "no such policy", id="policy"
        ),
    ],
)
def test_when_nothing_can_be_said(given: Assessment | None, surroundings: Surroundings, trouble: str) -> None:
    found = ask(KEY, "a", accepted(), given, surroundings)

    assert (found.standing, found.trouble) == (None, trouble)


@pytest.mark.parametrize(
    ("outcome", "trouble", "lifts"),
    [
        pytest.param(None, "", True, id="measured"),
        pytest.param(NoTraffic(), "", True, id="no traffic"),
        pytest.param(Stale(AT - HOUR), "Stale", False, id="stale"),
        pytest.param(NoData("nothing"), "NoData", False, id="no data"),
    ],
)
def test_what_is_not_measured_stands_says_why_and_promises_no_lift(
    outcome: Outcome | None, trouble: str, *, lifts: bool
) -> None:
    found = ask(KEY, "a", accepted(), assessment(outcome), around())

    assert found.standing is not None
    assert (found.standing.level, found.trouble) == (Level.EXHAUSTED, trouble)
    assert (found.standing.lifts_about is not None) is lifts


@pytest.mark.parametrize(
    ("window", "covered_s", "enough"),
    [
        pytest.param({"rolling": "1d"}, 0.0999 * DAY, False, id="under a tenth"),
        pytest.param({"rolling": "1d"}, 0.1 * DAY, True, id="a tenth"),
        pytest.param({"calendar": "Month"}, DAY - 300, False, id="under a day of a month"),
        pytest.param({"calendar": "Month"}, DAY, True, id="a day of a month"),
    ],
)
def test_when_enough_of_the_window_is_known(window: dict[str, str], covered_s: float, *, enough: bool) -> None:
    measured = assessment()
    assert measured.figure is not None
    counts = Counts(AT - DAY, AT, 1, 1, covered_s, 0, numerator_seen=True)

    found = ask(
        KEY, "a", accepted(window=window), measured._replace(figure=measured.figure._replace(counts=counts)), around()
    )

    assert found.standing is not None
    assert found.standing.covered is enough


def test_trouble_is_no_longer_than_a_sentence_bears() -> None:
    found = ask(KEY, "a", accepted(), assessment(), around(governed=Governed("strict", BUILT_IN, "x" * 9_000)))

    assert len(found.trouble) == 512


def test_a_manifest_that_is_not_accepted_asks_for_what_stands() -> None:
    found = unread(KEY, "a")

    assert (found.standing, found.entries, found.through) == (None, None, {})
    assert "not accepted" in found.trouble


def test_an_entry_that_nothing_answers_to_is_a_warning() -> None:
    found = not_found(accepted(protects=[GATEWAY, {"kind": "Deployment", "name": "gatewya"}]), around())

    assert [(each.rule, each.field) for each in found] == [("no-workload", "spec.protects.1")]
    assert "namespace dating has no Deployment/gatewya" in found[0].message
