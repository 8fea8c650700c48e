from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from frostline import names
from frostline.api.accept import Accepted, accept
from frostline.api.base import JsonObject
from frostline.api.status import ObjectiveStatus
from frostline.controller.released import Released
from frostline.controller.status import Facts, gist, render
from frostline.core.assess import BURN_WINDOWS_S, Assessment, Figure, figure_from_sums
from frostline.core.budget import budget
from frostline.core.level import LevelState
from frostline.core.outcome import Failed, Failure, Measured, NoData, NoTraffic, Outcome, Partial, Rehydrating, Stale
from frostline.core.policy import Level, Rule
from frostline.core.window import bounds
from tests.controller.world.manifests import manifest
from tests.support.golden import check
from tests.support.objectives import AT, DAY

GOLDEN = Path(__file__).parent / "golden"
FULL = manifest(
    "requests",
    owner="team-matching",
    protects=[{"kind": "Deployment", "name": "gateway"}],
    review={"every": "90d", "last": "2026-10-01"},
)


def figure(bad: float, valid: float, burn: float, spec: JsonObject = FULL, coverage: float = 1.0) -> Figure:
    accepted = accept(spec)
    assert isinstance(accepted, Accepted)
    promise = accepted.objective
    summed = figure_from_sums(promise, AT, bad, valid)
    start, end = bounds(promise.window, AT)
    return summed._replace(
        burn=tuple((window, burn) for window in BURN_WINDOWS_S),
        budget=budget(promise, summed.budget.remaining, burn, end - start, end - start),
        counts=summed.counts._replace(covered_s=coverage * (end - start), unknown_s=0.0),
    )


def assessed(outcome: Outcome, found: Figure | None = None, level: Level | None = None) -> Assessment:
    return Assessment(outcome, found, None if level is None else LevelState(level, since=AT - DAY, at=AT))


PASS = Released(Rule.OPEN, True, names.Reason.OPEN, "releases of deployment/gateway pass")


def rendered(
    spec: Any = FULL, assessment: Assessment | None = None, stored: JsonObject | None = None, now: int = AT
) -> JsonObject:
    return render(Facts(3, accept(spec), assessment, stored or {}, now, PASS))


HEALTHY = assessed(Measured(), figure(50, 1_000_000, 0.5), Level.HEALTHY)
DOWN = Failed(Failure.UNREACHABLE, "http://prometheus:9090/api/v1/query cannot be reached: connection refused")
NEVER = NoData("no series matches the valid events requests")

SITUATIONS: dict[str, JsonObject] = {
    "new": rendered(),
    "rehydrating": rendered(
        assessment=assessed(Rehydrating(0.25), figure(50, 1_000_000, 0.0)._replace(burn=())),
    ),
    "healthy": rendered(assessment=HEALTHY),
    "burning": rendered(assessment=assessed(Measured(), figure(850, 1_000_000, 6.0), Level.ENDANGERED)),
    "exhausted": rendered(
        manifest("requests", review={"every": "30d", "last": "2026-10-01"}),
        assessed(Measured(), figure(2_000, 1_000_000, 14.4), Level.EXHAUSTED),
    ),
    "exactly-spent": rendered(assessment=assessed(Measured(), figure(1_000, 1_000_000, 1.0), Level.EXHAUSTED)),
    "latency-a-third-covered": rendered(
        {**FULL, "indicator": {"latency": {"histogram": "h", "threshold": "800ms"}}, "objective": {"target": 99}},
        assessed(Measured(), figure(10, 4_000, 0.25, coverage=1 / 3), Level.HEALTHY),
    ),
    "no-traffic": rendered(assessment=assessed(NoTraffic(), figure(0, 0, 0.0), Level.HEALTHY)),
    "no-data": rendered(manifest("requests", review={}), assessed(NEVER)),
    "prometheus-down": rendered(
        assessment=HEALTHY._replace(outcome=DOWN), stored=rendered(assessment=HEALTHY, now=AT), now=AT + 600
    ),
    "down-since-the-start": rendered(assessment=assessed(DOWN), stored=rendered(assessment=HEALTHY), now=AT + 600),
    "new-quarter": rendered(manifest("requests") | {"window": {"calendar": "Quarter"}}),
    "invalid": rendered(manifest("requests{", target=101)),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_status_is_the_golden_one(name: str) -> None:
    check(GOLDEN / f"{name}.yaml", yaml.safe_dump(SITUATIONS[name], sort_keys=False, width=110, allow_unicode=True))


@pytest.mark.parametrize("name", SITUATIONS)
def test_status_is_what_the_schema_says(name: str) -> None:
    read = ObjectiveStatus.model_validate(SITUATIONS[name])

    assert {each.type for each in read.conditions} >= {
        "Accepted", "Measured", "WithinObjective", "ReleasesOpen",
    }  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_same_facts_give_the_same_status_again(name: str) -> None:
    """What was written is read back by the next cycle: it must not drift."""
    once = rendered(assessment=HEALTHY, stored=SITUATIONS[name])

    assert rendered(assessment=HEALTHY, stored=once) == once


def display(status: JsonObject) -> tuple[str, ...]:
    shown = status["display"]
    return shown["sli"], shown["target"], shown["budget"], shown["burn"], status.get("level", "-")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        pytest.param("new", ("Rehydrating", "99.9%", "-", "-", "-"), id="new"),
        pytest.param("rehydrating", ("99.995%", "99.9%", "95.0%", "-", "-"), id="rehydrating"),
        pytest.param("healthy", ("99.995%", "99.9%", "95.0%", "0.50x", "Healthy"), id="healthy"),
        pytest.param("burning", ("99.915%", "99.9%", "15.0%", "6.00x", "Endangered"), id="burning"),
        pytest.param("exhausted", ("99.800%", "99.9%", "-100.0%", "14.40x", "Exhausted"), id="exhausted"),
        pytest.param("exactly-spent", ("99.900%", "99.9%", "0.0%", "1.00x", "Exhausted"), id="exactly spent"),
        pytest.param("no-traffic", ("NoTraffic", "99.9%", "100.0%", "0.00x", "Healthy"), id="no traffic"),
        pytest.param("no-data", ("NoData", "99.9%", "-", "-", "-"), id="no data"),
        pytest.param(
            "down-since-the-start",
            ("99.995% (QueryFailed)", "99.9%", "95.0%", "0.50x", "Healthy"),
            id="down since the start, figures of before",
        ),
        pytest.param("prometheus-down", ("99.995% (QueryFailed)", "99.9%", "95.0%", "0.50x", "Healthy"), id="down"),
        pytest.param("new-quarter", ("Rehydrating", "99.9%", "-", "-", "-"), id="new, of a calendar period"),
        pytest.param("invalid", ("Invalid", "-", "-", "-", "-"), id="invalid"),
    ],
)
def test_columns(name: str, columns: tuple[str, ...]) -> None:
    assert display(SITUATIONS[name]) == columns


def condition(status: JsonObject, kind: names.Condition) -> JsonObject:
    found: JsonObject = next(each for each in status["conditions"] if each["type"] == kind)
    return found


@pytest.mark.parametrize(
    ("review", "now", "said"),
    [
        pytest.param({"every": "90d"}, AT, ("False", "NeverReviewed"), id="never"),
        pytest.param({"last": "2027-01-01"}, AT, ("True", "ReviewCurrent"), id="current"),
        pytest.param({"every": "14d", "last": "2027-01-01"}, AT, ("True", "ReviewCurrent"), id="due today"),
        pytest.param({"every": "13d", "last": "2027-01-01"}, AT, ("False", "ReviewOverdue"), id="overdue by a day"),
        pytest.param({"last": "9999-12-31"}, AT, ("True", "ReviewCurrent"), id="at the end of the calendar"),
    ],
)
def test_reviews(review: JsonObject, now: int, said: tuple[str, str]) -> None:
    found = condition(rendered(manifest(review=review), now=now), names.Condition.REVIEW_CURRENT)

    assert (found["status"], found["reason"]) == said


def test_without_a_review_nothing_is_said_of_it() -> None:
    kinds = [each["type"] for each in rendered(manifest())["conditions"]]

    assert names.Condition.REVIEW_CURRENT not in kinds


def test_transition_times_are_of_the_last_change() -> None:
    first = rendered(assessment=HEALTHY, now=AT)
    held = rendered(assessment=HEALTHY._replace(outcome=DOWN), stored=first, now=AT + 60)
    longer = rendered(assessment=HEALTHY._replace(outcome=Stale(AT)), stored=held, now=AT + 120)

    times = [condition(status, names.Condition.MEASURED)["lastTransitionTime"] for status in (first, held, longer)]
    assert times == ["2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z", "2027-01-15T08:01:00Z"]
    assert condition(longer, names.Condition.ACCEPTED)["lastTransitionTime"] == "2027-01-15T08:00:00Z"


def test_a_transition_in_the_future_is_not_believed() -> None:
    ahead = rendered(assessment=HEALTHY, now=AT + DAY)

    found = condition(rendered(assessment=HEALTHY, stored=ahead, now=AT), names.Condition.MEASURED)

    assert found["lastTransitionTime"] == "2027-01-15T08:00:00Z"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [*SITUATIONS["healthy"], "rubbish"]


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=3))
def test_rubbish_in_a_stored_status_does_no_harm(rubbish: JsonObject) -> None:
    stored = {**SITUATIONS["healthy"], **rubbish}

    status = rendered(assessment=HEALTHY, stored=stored)

    expected = SITUATIONS["healthy"]
    for name in ("sli", "target", "budget", "burnRates", "level", "levelSince", "counts", "queries", "display"):
        assert status[name] == expected[name], name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("levelSince", "2027-01-15T10:00:00+02:00", id="a time of another zone"),
        pytest.param("levelSince", "0001-01-01T00:00:00Z", id="the first of all times"),
    ],
)
def test_a_time_that_somebody_else_wrote_is_written_as_the_api_server_takes_it(name: str, value: str) -> None:
    status = rendered(assessment=assessed(DOWN), stored={**SITUATIONS["healthy"], name: value})

    assert status[name] in ("2027-01-15T08:00:00Z", "0001-01-01T00:00:00Z")


def test_a_flood_of_warnings_fits_into_a_condition() -> None:
    flood = Partial(tuple(f"{number} {'x' * 290}" for number in range(500)))

    status = rendered(assessment=HEALTHY._replace(outcome=flood))

    assert len(condition(status, names.Condition.MEASURED)["message"]) <= 32_768


def test_figures_of_another_indicator_are_not_taken_over() -> None:
    """Somebody corrects a selector, and the new one matches nothing: the old figures are not its figures."""
    status = rendered(manifest("others"), assessed(NEVER), stored=SITUATIONS["healthy"])

    assert "sli" not in status
    assert "budget" not in status
    assert display(status)[0] == "NoData"
    assert condition(status, names.Condition.WITHIN_OBJECTIVE)["status"] == "Unknown"


def five_hundreds(last: str, window: JsonObject) -> JsonObject:
    return manifest() | {
        "indicator": {"ratio": {"bad": f'all{{code=~"50[0-{last}]"}}', "valid": "all"}},
        "window": window,
    }


@pytest.mark.parametrize("window", [{"rolling": "30d"}, {"calendar": "Month"}], ids=["rolling", "calendar"])
def test_a_class_of_characters_is_no_length_of_time(window: JsonObject) -> None:
    old = five_hundreds("3", window)
    stored = rendered(old, assessed(Measured(), figure(1, 1_000, 1.0, old), Level.HEALTHY))

    assert "sli" in rendered(old, assessed(DOWN), stored=stored)
    assert "sli" not in rendered(five_hundreds("4", window), assessed(DOWN), stored=stored)


def test_figures_of_a_calendar_period_stay_as_it_goes_on() -> None:
    month = manifest() | {"window": {"calendar": "Month"}}
    stored = rendered(month, assessed(Measured(), figure(1, 1_000, 1.0, month), Level.HEALTHY))

    later = rendered(month, assessed(DOWN), stored=stored, now=AT + DAY)

    assert later["queries"] != stored["queries"]
    assert later["sli"] == stored["sli"]


def test_a_change_of_the_target_is_remembered() -> None:
    first = rendered(manifest(target=99), HEALTHY)
    second = rendered(manifest(target=99.9), HEALTHY, stored=first, now=AT + 60)
    third = rendered(manifest(target=99.9), HEALTHY, stored=second, now=AT + 120)

    assert first["targetChanges"] == []
    assert second["targetChanges"] == [{"at": "2027-01-15T08:01:00Z", "before": 99, "after": 99.9}]
    assert third["targetChanges"] == second["targetChanges"]


def test_figures_of_before_a_restart_are_called_old() -> None:
    found = condition(SITUATIONS["down-since-the-start"], names.Condition.MEASURED)

    assert "Figures and level are of 2027-01-15T08:00:00+00:00" in found["message"]


@pytest.mark.parametrize("name", ["healthy", "burning", "exhausted", "exactly-spent"])
def test_figures_read_the_same_from_memory_and_from_the_api_server(name: str) -> None:
    before = SITUATIONS[name]
    spec = manifest("requests", review={"every": "30d", "last": "2026-10-01"}) if name == "exhausted" else FULL

    after = rendered(spec, assessed(DOWN), stored=before)

    assert after["display"] == {
        **before["display"],
        "sli": f"{before['display']['sli']} (QueryFailed)",
        "measured": "QueryFailed",
    }


@pytest.mark.parametrize(
    ("late_s", "now", "news"),
    [(0, AT - 1, True), (0, AT + 899, False), (60, AT + 59, True), (60, AT + 959, False)],
    ids=["the-quarter-before", "the-same", "the-quarter-before-a-minute-late", "the-same-a-minute-late"],
)
def test_what_time_alone_changes_is_told_each_quarter_of_an_hour(late_s: int, now: int, *, news: bool) -> None:
    month = accept(manifest() | {"window": {"calendar": "Month"}})
    told, later = (gist(Facts(3, month, HEALTHY, {}, at, PASS), late_s) for at in (AT + late_s, now))

    assert (told != later) is news
