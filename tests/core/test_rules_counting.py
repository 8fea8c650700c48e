"""What the rules of each kind of indicator count, played by promtool."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from frostline.core.indicator import (
    Age,
    Counted,
    Counters,
    Expressions,
    Gauge,
    Indicator,
    NativeHistogram,
    Quantile,
    Side,
    TimeShare,
    latency,
)
from frostline.core.objective import Objective
from frostline.core.promql import Slices
from frostline.core.rules import Promise
from frostline.core.selector import parse_selector
from frostline.core.window import Rolling
from frostline.names import Recorded
from tests.support.promtool import Scenario, Value, run

BAD = "sum(slo:frostline_bad:rate5m) * 300"
VALID = "sum(slo:frostline_valid:rate5m) * 300"
COUNTING = ("frostline-slos", "frostline-fast")
ERRORS = Counters(parse_selector('x_total{job="a",code="500"}'), Counted.BAD, parse_selector('x_total{job="a"}'))
GOOD = Counters(parse_selector('x_total{job="a",code="200"}'), Counted.GOOD, parse_selector('x_total{job="a"}'))


def x(code: str, instance: str = "1") -> str:
    return f'x_total{{job="a",instance="{instance}",code="{code}"}}'


def scenario(
    indicator: Indicator,
    series: dict[str, str],
    *values: tuple[int, str, Value],
    slices: Slices | None = None,
) -> Scenario:
    objective = Objective(indicator, Decimal("99.9"), Rolling(timedelta(days=30)), slices)
    return Scenario([Promise("shop", "checkout", objective)], series, values)


def test_counters(tmp_path: Path) -> None:
    steady = {x("200"): "0+60x120", x("500"): "0+3x120"}
    run(
        tmp_path,
        {
            "bad": scenario(ERRORS, steady, (30, BAD, 30), (30, VALID, 630)),
            "good": scenario(GOOD, steady, (30, BAD, 30), (30, VALID, 630)),
            "no-bad-series": scenario(ERRORS, {x("200"): "0+60x120"}, (30, BAD, 0), (30, VALID, 600)),
            "no-traffic": scenario(
                ERRORS, {x("200"): "7x120"}, (30, BAD, 0), (30, VALID, 0), (30, "sum(slo:frostline_burn:rate5m)", None)
            ),
            "nothing": scenario(ERRORS, {"other": "0x120"}, (30, BAD, None), (30, VALID, None)),
            # Back at zero in the 31st sample: that one interval has no increase, and nothing is negative.
            "reset": scenario(
                ERRORS,
                {x("200"): "0+60x30 0+60x60", x("500"): "0+3x30 0+3x60"},
                (17, f"{VALID} >= bool 500", 1),
                (17, f"{VALID} <= bool 630", 1),
                (17, f"{BAD} >= bool 25", 1),
                (30, BAD, 30),
            ),
            # Born with its first event on a target that was there: the event counts, for five minutes and once.
            "born": scenario(
                ERRORS,
                {x("200"): "0+60x120", x("500"): "_x20 1x100"},
                (9, BAD, 0),
                (12, BAD, 1),
                (20, BAD, 0),
                (30, "sum(slo:frostline_bad:events1h)", 1),
            ),
            # A target that was not there may have counted for long: what it brings along is no event of now.
            "new-target": scenario(
                ERRORS,
                {x("200"): "0+60x120", x("200", "2"): "_x20 5000+60x100", x("500", "2"): "_x20 900x100"},
                (12, BAD, 0),
                (12, f"{VALID} < bool 1200", 1),
                (30, VALID, 1200),
            ),
            "good-gone": scenario(
                GOOD,
                {x("200"): "0+60x40 stale", x("500"): "0+0x40 0+60x80"},
                (15, BAD, 0),
                (30, BAD, 600),
            ),
            "good-never": scenario(GOOD, {x("500"): "0+60x120"}, (30, BAD, None), (30, VALID, 600)),
        },
        groups=COUNTING,
    )


def test_hours_of_which_a_part_is_missing_are_recorded_and_no_others(tmp_path: Path) -> None:
    scraped, evaluated = f"sum({Recorded.SCRAPED_1H})", f"sum({Recorded.EVALUATED_1H})"
    run(
        tmp_path,
        {
            "all-there": scenario(ERRORS, {x("200"): "0+60x480"}, (200, scraped, None), (200, evaluated, None)),
            # Eleven minutes of scrapes are missing: of six or seven of them nothing can be counted.
            "scrapes": scenario(
                ERRORS,
                {x("200"): "0+60x200 _x22 13380+60x280"},
                (99, scraped, None),
                (130, f"{scraped} > bool 0.85", 1),
                (130, f"{scraped} < bool 0.95", 1),
                (130, evaluated, None),
                (190, scraped, None),
            ),
        },
        groups=(*COUNTING, "frostline-hourly"),
    )


def test_histograms(tmp_path: Path) -> None:
    classic = latency(parse_selector('d_seconds{job="a"}'), 1_000)
    count = 'd_seconds_count{job="a",instance="1"}'
    native = NativeHistogram(parse_selector('d_seconds{job="a"}'), 1_000)
    # Of schema 0: ten events up to half a second or a whole one, ten up to two.
    events = "{{schema:0 sum:25 count:20 buckets:[10 10]}}"
    run(
        tmp_path,
        {
            "classic": scenario(
                classic,
                {'d_seconds_bucket{job="a",instance="1",le="1.0"}': "0+19x120", count: "0+20x120"},
                (30, BAD, 10),
                (30, VALID, 200),
            ),
            # The same bucket, spelled anew after an upgrade: neither born nor gone.
            "respelled": scenario(
                classic,
                {
                    'd_seconds_bucket{job="a",instance="1",le="1"}': "0+20x20 stale",
                    'd_seconds_bucket{job="a",instance="1",le="1.0"}': "_x20 420+20x100",
                    count: "0+20x120",
                },
                (9, BAD, 0),
                (12, f"{BAD} <= bool 41", 1),
                (30, BAD, 0),
            ),
            "native": scenario(
                native, {'d_seconds{job="a",instance="1"}': f"{events}+{events}x120"}, (30, BAD, 100), (30, VALID, 200)
            ),
            "native-idle": scenario(
                native, {'d_seconds{job="a",instance="1"}': f"{events}x120"}, (30, BAD, 0), (30, VALID, 0)
            ),
            "native-born": scenario(
                native,
                {
                    'd_seconds{job="a",instance="1",code="a"}': f"{events}+{events}x120",
                    'd_seconds{job="a",instance="1",code="b"}': f"_x40 {events}x80",
                },
                (22, BAD, 110),
                (22, VALID, 220),
            ),
        },
        groups=COUNTING,
    )


def test_shares_of_time(tmp_path: Path) -> None:
    backlog = TimeShare(Gauge(parse_selector("queue")), Decimal(500), Side.BELOW)
    stock = TimeShare(Gauge(parse_selector("queue")), Decimal(500), Side.ABOVE)
    age = TimeShare(Age(parse_selector("made_timestamp_seconds")), Decimal(600), Side.BELOW)
    p95 = TimeShare(Quantile(parse_selector("d_seconds"), Decimal("0.95"), 300), Decimal("0.5"), Side.BELOW)
    gauge = {"queue": "100x20 900x100"}
    run(
        tmp_path,
        {
            "below": scenario(backlog, gauge, (9, BAD, 0), (12, BAD, 2), (30, BAD, 5), (30, VALID, 5)),
            "above": scenario(stock, gauge, (9, BAD, 5), (30, BAD, 0)),
            "not-a-number": scenario(backlog, {"queue": "100x20" + " NaN" * 60}, (30, VALID, None), (30, BAD, None)),
            "age": scenario(age, {"made_timestamp_seconds": "0x120"}, (9, BAD, 0), (30, BAD, 5), (30, VALID, 5)),
            "quantile": scenario(
                p95,
                {'d_seconds_bucket{le="0.5"}': "0+9x120", 'd_seconds_bucket{le="+Inf"}': "0+10x120"}
                | {'d_seconds_bucket{le="1"}': "0+10x120"},
                (30, BAD, 5),
                (30, VALID, 5),
            ),
        },
        groups=COUNTING,
    )


def test_slices_and_expressions(tmp_path: Path) -> None:
    own = Expressions('sum(increase(x_total{job="a",code="500"}[$window])) # bad', "sum(increase(x_total[$window]))")
    outage = {x("200"): "0+60x39 2340x80", x("500"): "0x39 0+60x80"}
    run(
        tmp_path,
        {
            # All is bad from minute 20 on.
            "minutes-bad": scenario(
                ERRORS,
                outage,
                (19, BAD, 0),
                (22, BAD, 2),
                (30, BAD, 5),
                (30, VALID, 5),
                slices=Slices(60, Decimal("0.95")),
            ),
            "minutes-good": scenario(
                GOOD,
                outage,
                (19, BAD, 0),
                (22, BAD, 2),
                (30, BAD, 5),
                (30, VALID, 5),
                slices=Slices(60, Decimal("0.95")),
            ),
            # A slice is judged when it is over.
            "slices": scenario(
                ERRORS,
                outage,
                (24, BAD, 0),
                (26, BAD, 1),
                (29, BAD, 1),
                (30, VALID, 1),
                slices=Slices(300, Decimal("0.95")),
            ),
            "expressions": scenario(own, {x("200"): "0+60x120", x("500"): "0+3x120"}, (30, BAD, 30), (30, VALID, 630)),
            "expressions-no-bad-series": scenario(own, {x("200"): "0+60x120"}, (30, BAD, 0), (30, VALID, 600)),
            "expressions-born": scenario(
                own, {x("200"): "0+60x120", x("500"): "_x20 1x100"}, (12, BAD, 0), (30, BAD, 0)
            ),
        },
        groups=COUNTING,
    )
