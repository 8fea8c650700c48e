from pathlib import Path

import numpy as np
import pytest

from e2e.demo import history
from e2e.demo.history import Exact, History, Spread, build, whole
from e2e.demo.promises import PROMISES, Incident, Promise
from examples.soulsync.app import metrics

END = 1_790_000_000
# Wherever the night falls, an incident must find enough traffic to go wrong.
ANY_HOUR = [END + 3_600 * hour + hour for hour in range(24)]


@pytest.fixture(scope="module")
def past() -> History:
    return build(END)


@pytest.mark.parametrize("end", ANY_HOUR)
def test_each_budget_was_spent_as_its_promise_says(end: int) -> None:
    exact = build(end).exact
    for promise in PROMISES:
        answer = exact[promise.slo]
        one_event = 100 / (answer.valid * (100 - promise.target) / 100)
        assert answer.remaining_percent == pytest.approx(100 * (1 - promise.spent), abs=0.2 + one_event)


def test_the_known_figures() -> None:
    remaining = {name: answer.remaining_percent for name, answer in build(END).exact.items()}
    assert remaining == pytest.approx(
        {
            "getmatches-availability": 78,
            "getmatches-latency": 64,
            "sendmessage-acknowledged": 86,
            "sendmessage-latency": 91,
            "report-freshness": 41,
            "report-correctness": 25,
        },
        abs=0.5,
    )


def test_remaining_is_the_formula_of_budgets() -> None:
    assert Exact(bad=500, valid=1_000_000, target=99.9).remaining_percent == pytest.approx(50)
    assert Exact(bad=2_000, valid=1_000_000, target=99.9).remaining_percent == pytest.approx(-100)


def test_what_is_written_is_what_is_known(past: History, tmp_path: Path) -> None:
    file = tmp_path / "history"
    samples = past.write(file)
    lines = file.read_text().splitlines()
    assert lines[-1] == "# EOF"
    assert sum(not line.startswith("#") for line in lines) == samples

    start = END - history.WINDOW_SECONDS
    edges: dict[str, dict[int, float]] = {}
    for line in lines:
        if not line.startswith("#"):
            name, value, stamp = line.rsplit(" ", 2)
            if int(stamp) in (start, END):
                edges.setdefault(name, {})[int(stamp)] = float(value)

    def counted(*parts: str) -> float:
        return sum(
            at[END] - at[start] for name, at in edges.items() if all(part in name for part in parts) and len(at) == 2
        )

    requests, reports = f"{metrics.REQUESTS}_total", f"{metrics.REPORTS}_total"
    buckets, validations = f"{metrics.DURATION}_bucket", f"{metrics.VALIDATIONS}_total"
    exact = past.exact
    bad, all_of = counted(requests, "getMatches", "503"), counted(requests, "getMatches")
    assert (bad, all_of - counted(requests, "getMatches", "404")) == events(exact["getmatches-availability"])
    valid, fast = counted(buckets, "getMatches", 'le="+Inf"'), counted(buckets, "getMatches", 'le="0.8"')
    assert (valid - fast, valid) == events(exact["getmatches-latency"])
    bad, all_of = counted(requests, "sendMessage", "503"), counted(requests, "sendMessage")
    assert (bad, all_of) == events(exact["sendmessage-acknowledged"])
    valid, fast = counted(buckets, "sendMessage", 'le="+Inf"'), counted(buckets, "sendMessage", 'le="0.3"')
    assert (valid - fast, valid) == events(exact["sendmessage-latency"])
    assert (counted(reports, '"late"'), counted(reports)) == events(exact["report-freshness"])
    assert (counted(validations, '"failed"'), counted(validations)) == events(exact["report-correctness"])


def events(answer: Exact) -> tuple[int, int]:
    return answer.bad, answer.valid


def test_counters_never_fall_and_begin_at_zero(past: History) -> None:
    for series in past.series:
        assert series.values[0] == 0
        assert (np.diff(series.values) >= 0).all()


def test_buckets_are_cumulative(past: History) -> None:
    for job in ("gateway", "realtime-chat"):
        rows = [one.values for one in past.series if "le" in one.labels and one.labels["job"] == job]
        assert len(rows) == len(metrics.BUCKETS) + 1
        assert (np.diff(np.array(rows), axis=0) >= 0).all()


def test_series_of_a_family_stand_together(past: History) -> None:
    families = [one.family for one in past.series]
    assert families == sorted(families)


@pytest.mark.parametrize("end", ANY_HOUR)
@pytest.mark.parametrize("seconds", [6 * 3_600, 30 * 60])
def test_the_last_hours_burn_too_little_to_lower_a_level(end: int, seconds: int) -> None:
    spread = Spread(end)
    inside = spread.timestamps > end - seconds
    for promise in PROMISES:
        valid = spread.traffic(0.4)
        bad = spread.bad(promise, valid)
        burn = bad[inside].sum() / valid[inside].sum() / ((100 - promise.target) / 100)
        assert burn < 2 or bad[inside].sum() < 10


def test_samples_are_dense_where_minutes_are_asked_for() -> None:
    stamps = Spread(END).timestamps
    assert stamps[-1] == END
    assert stamps[0] == END - history.WINDOW_SECONDS - history.LEAD_IN_SECONDS
    assert np.diff(stamps).max() == history.STEP_SECONDS
    assert set(np.diff(stamps[stamps >= END - 30 * 3_600])) == {history.RECENT_STEP_SECONDS}


def test_an_incident_without_room_is_refused() -> None:
    too_short = Promise("x", "y", 99.0, background=0.0, incidents=(Incident(5, 10, 0.9),))
    spread = Spread(END)
    with pytest.raises(ValueError, match="more bad events than there was traffic"):
        spread.bad(too_short, spread.traffic(0.1))


def test_an_incident_without_traffic_is_refused() -> None:
    before_it_all = Promise("x", "y", 99.0, background=0.0, incidents=(Incident(40, 10, 0.1),))
    spread = Spread(END)
    with pytest.raises(ValueError, match="no traffic in the incident"):
        spread.bad(before_it_all, spread.traffic(0.1))


def test_whole_events_follow_the_expected_ones() -> None:
    expected = np.full(1_000, 0.3)
    events = whole(expected)
    assert events.sum() == 300
    assert np.abs(events.cumsum() - expected.cumsum()).max() <= 1


def test_the_same_end_gives_the_same_history(past: History) -> None:
    again = build(END)
    assert all((one.values == two.values).all() for one, two in zip(past.series, again.series, strict=True))
