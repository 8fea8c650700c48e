"""The verdict on every named case, and what is said with it."""

from dataclasses import replace

import pytest

from frostline.core.exception import Use, objection
from frostline.core.gate import Claim, Gate, Override, Workload
from frostline.core.policy import Level, OverrideClass, Rule
from frostline.core.projection import canonical, images, project
from frostline.core.verdict import Operation, Passed, Refused, Why, judge
from tests.support.edits import annotation, base, both, container, edited, image
from tests.support.rollout_cases import CASES
from tests.support.rollouts import BYPASS, FREEZE_CLASSES, NOW, Case, Exceptional

WORKLOADS = [Workload("matching", kind, "web") for kind in ("Deployment", "StatefulSet", "DaemonSet")]
WEB = WORKLOADS[0]
RELEASE = Case("", "a release", Why.HELD, "", image("web:3"))


def sentence(case: Case, gate: Gate | None = None) -> str:
    verdict = judge(gate or case.gate(WEB), case.request(WEB))
    assert isinstance(verdict, Refused)
    return verdict.sentence


def test_names_of_cases_are_unique() -> None:
    assert len({case.does for case in CASES}) == len(CASES)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.kind)
@pytest.mark.parametrize("case", CASES, ids=lambda each: each.does)
def test_verdict(case: Case, workload: Workload) -> None:
    verdict = judge(case.gate(workload), case.request(workload))

    assert verdict.why is case.verdict
    assert isinstance(verdict, Passed) is case.passes


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.does)
def test_nothing_is_refused_where_nothing_holds(case: Case) -> None:
    request = case.request(WEB)

    assert judge(None, request).why in (Why.NO_GATE, Why.TERMINATING)
    assert judge(case.gate(WEB, Rule.OPEN), request).why in (Why.OPEN, Why.TERMINATING)
    assert isinstance(judge(case.gate(WEB, Rule.WARN), request), Passed)


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.does)
def test_a_warning_comes_with_what_would_be_a_release(case: Case) -> None:
    verdict = judge(case.gate(WEB, Rule.WARN), case.request(WEB))
    release = case.verdict in (Why.HELD, Why.OVERRIDE, Why.BYPASS) and case.operation is not Operation.DELETE

    assert isinstance(verdict, Passed)
    assert bool(verdict.warnings) is release
    assert (verdict.why is Why.WARNED) is (release or (case.operation is Operation.DELETE and not case.terminating))


def test_a_warning_says_what_it_costs_and_fits() -> None:
    gate = RELEASE.gate(WEB, Rule.WARN)
    long = replace(gate, claims=(replace(gate.claims[0], objective="o" * 253),))

    verdict = judge(gate, RELEASE.request(WEB))
    assert isinstance(verdict, Passed)
    assert verdict.warnings == (
        "Exhausted: -12.4% of the error budget is left. What this release breaks spends it.",
        "The promise is SLO matching-availability: release what is low in risk, high in value.",
    )
    verdict = judge(long, RELEASE.request(WEB))
    assert isinstance(verdict, Passed)
    assert all(len(warning) <= 120 for warning in verdict.warnings)


def test_a_release_that_an_override_lets_pass_names_it() -> None:
    case = replace(RELEASE, overrides=(Exceptional(minutes=-1), Exceptional()))

    verdict = judge(case.gate(WEB), case.request(WEB))

    assert verdict == Passed(Why.OVERRIDE, override="exception-2")


def test_a_refusal_word_for_word() -> None:
    case = replace(RELEASE, good=(image("web:1"), image("web:0")))

    assert sentence(case) == (
        "deployment/web in matching is held back (Freeze since 2026-11-21 07:30 UTC): this changes image of container"
        " web. SLO matching-availability is Exhausted since 2026-11-21 07:30 UTC with -12.4% of its error budget left"
        " (figure of 2026-11-21 09:27 UTC, 3m old); it may lift about 2026-11-21 10:30 UTC. What passes: kubectl"
        " rollout undo -n matching deployment/web (good: revision 3, revision 4), scale, restart, resources, probes,"
        " scheduling."
        " By exception: frostline override -n matching deployment/web --class Reliability/Security/Emergency"
        " --reason … --ticket … (an override just created counts once its STATE is Live)."
    )


def test_the_refusal_of_a_deletion() -> None:
    said = sentence(replace(RELEASE, change=None, operation=Operation.DELETE))

    assert "deleting it is refused, since only what ran before could be created again" in said
    assert "SLO matching-availability is Exhausted" in said
    assert "Scaling to 0 passes" in said
    assert "--as-group=frostline:bypass" in said


@pytest.mark.parametrize("case", [each for each in CASES if not each.passes], ids=lambda each: each.does)
def test_a_refusal_is_one_line_that_can_be_read(case: Case) -> None:
    said = sentence(case)

    assert len(said) < 900
    assert said.split() == said.split(" ")


def test_a_refusal_stays_short_where_much_is_to_say() -> None:
    case = replace(
        RELEASE,
        change=both(*(annotation(f"example.com/{number}{'x' * 40}", "1") for number in range(20))),
        good=tuple(image(f"web:{number}") for number in range(10, 20)),
        overrides=tuple(Exceptional(users=(f"someone-{number}",)) for number in range(9)),
    )
    said = sentence(case)

    assert len(said) < 1300
    assert "and 17 more changes" in said
    assert "and 7 more others" in said
    assert "and 6 more overrides" in said


def test_line_breaks_in_names_do_not_break_the_line() -> None:
    case = replace(RELEASE, user="mallory\nallowed", overrides=(Exceptional(users=("bob",)),))

    assert "not for mallory allowed" in sentence(case)


def claim(**changed: object) -> Gate:
    gate = RELEASE.gate(WEB)
    return replace(gate, claims=(replace(gate.claims[0], **changed), *gate.claims[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gate", "clock", "said"),
    [
        (claim(measured_at=None), True, "(never measured)"),
        (claim(measured_at=int(NOW.timestamp()) - 7200), True, "(figure of 2026-11-21 07:30 UTC, 2h old)"),
        (claim(), False, "(figure of 2026-11-21 09:27 UTC)"),
        (claim(measured_at=int(NOW.timestamp()) + 5), True, "(figure of 2026-11-21 09:30 UTC)"),
        (replace(claim(), lifts_about=None), True, "when it lifts cannot be said yet"),
        (replace(claim(), good=()), True, "What passes: scale, restart, resources"),
        (replace(claim(), override_classes=frozenset()), True, "No override counts for it now."),
        (
            replace(claim(), claims=(*claim().claims, Claim("b", Level.ENDANGERED, Rule.SLUSH, 0, "3%", None))),
            True,
            "SLO matching-availability (and 1 more) is Exhausted",
        ),
    ],
    ids=["never", "old", "no clock", "from ahead", "no lift", "nothing good", "no class", "several"],
)
def test_what_is_not_known_is_said(gate: Gate, clock: bool, said: str) -> None:
    assert said in sentence(replace(RELEASE, clock=clock), gate)


def test_a_gate_that_names_no_promise_is_judged_all_the_same() -> None:
    gate = replace(RELEASE.gate(WEB), claims=())

    assert "releases of deployment/web are held back" in sentence(RELEASE, gate)
    warned = judge(replace(gate, rule=Rule.WARN), RELEASE.request(WEB))
    assert isinstance(warned, Passed)
    assert len(warned.warnings) == 1


def test_withheld_groups_are_not_offered() -> None:
    said = sentence(replace(RELEASE, shape={"withheld": ["Resources", "Probes"]}))

    assert "scale, restart, scheduling." in said


TEMPLATE = project(edited(base(), image("web:3")), RELEASE.gate(WEB).shape)
USE = Use("alice", canonical(TEMPLATE), images(TEMPLATE), 1000.0)
LIVE = Override("fix", OverrideClass.SECURITY, 2000.0, frozenset({"alice"}))
OTHER = canonical(project(edited(base(), image("web:4")), RELEASE.gate(WEB).shape))
CLASSES = frozenset(OverrideClass(each) for each in FREEZE_CLASSES)


@pytest.mark.parametrize(
    ("override", "use", "said"),
    [
        (LIVE, USE, None),
        (replace(LIVE, images=USE.images, template=USE.template, used=True), USE, None),
        (LIVE, replace(USE, at=1999.9), None),
        (LIVE, replace(USE, at=2000.0), "expired 0s ago"),
        (LIVE, replace(USE, at=2300.0), "expired 5m ago"),
        (LIVE, replace(USE, at=None), "cannot be timed: the request carries no managedFields"),
        (LIVE, replace(USE, user="bob"), "is for alice, not for bob"),
        (replace(LIVE, users=frozenset({"bob", "carol"})), USE, "is for bob and 1 more, not for alice"),
        (replace(LIVE, users=frozenset()), USE, "has ended"),
        (
            replace(LIVE, override_class=OverrideClass.LOW_RISK),
            USE,
            "is for LowRisk, and Freeze takes Reliability, Security, Emergency",
        ),
        (replace(LIVE, images=USE.images - {"web:3"}), USE, "does not name image web:3"),
        (replace(LIVE, images=frozenset()), USE, "does not name image migrate:1 and 3 more"),
        (replace(LIVE, template=OTHER), USE, "is for another template"),
        (replace(LIVE, template=OTHER, used=True), USE, "is used up: it let another template pass"),
    ],
)
def test_why_an_override_does_not_count(override: Override, use: Use, said: str | None) -> None:
    assert objection(override, CLASSES, Rule.FREEZE, use) == said


def test_a_refusal_says_why_each_override_does_not_count() -> None:
    said = sentence(replace(RELEASE, overrides=(Exceptional(minutes=-5), Exceptional("LowRisk"))))

    assert "Does not count: override exception-1 expired 5m ago; override exception-2 is for LowRisk" in said
    assert "A new one: frostline override -n matching deployment/web" in said


def test_an_operational_change_needs_no_bypass() -> None:
    case = replace(RELEASE, change=container(resources={}), groups=BYPASS)

    assert judge(case.gate(WEB), case.request(WEB)).why is Why.OPERATIONAL
