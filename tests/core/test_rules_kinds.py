"""What the rules of each kind of indicator make of series that are absent, reset, new, or hardly move."""

from decimal import Decimal
from pathlib import Path

from frostline.core.indicator import Age, Expressions, Gauge, NativeHistogram, Quantile, Side, TimeShare, latency
from frostline.core.promql import Slices
from frostline.core.selector import parse_selector
from tests.core.test_rules_counting import BAD, COUNTING, ERRORS, GOOD, VALID, scenario, x
from tests.support.promtool import run

BURN = "sum(slo:frostline_burn:rate5m)"
TASKS = latency(parse_selector('d_seconds{job="a"}'), 1_000)
MINUTES = Slices(60, Decimal("0.95"))


def bucket(code: str = "a") -> str:
    return f'd_seconds_bucket{{job="a",instance="1",code="{code}",le="1.0"}}'


def count(code: str = "a") -> str:
    return f'd_seconds_count{{job="a",instance="1",code="{code}"}}'


def test_classic_histograms(tmp_path: Path) -> None:
    run(
        tmp_path,
        {
            # No such bucket: not all is bad, nothing is known.
            "bucket-never": scenario(TASKS, {count(): "0+20x120"}, (30, BAD, None), (30, VALID, 200)),
            "bucket-gone": scenario(
                TASKS, {bucket(): "0+20x40 stale", count(): "0+20x120"}, (15, BAD, 0), (30, BAD, 200)
            ),
            "reset": scenario(
                TASKS,
                {bucket(): "0+19x30 0+19x60", count(): "0+20x30 0+20x60"},
                (17, f"{VALID} >= bool 170", 1),
                (17, f"{VALID} <= bool 210", 1),
                (17, f"{BAD} >= bool 0", 1),
                (17, f"{BAD} <= bool 15", 1),
                (30, BAD, 10),
                (30, VALID, 200),
            ),
            "born": scenario(
                TASKS,
                {
                    bucket(): "0+19x120",
                    count(): "0+20x120",
                    bucket("b"): "_x20 3x100",
                    count("b"): "_x20 4x100",
                },
                (9, BAD, 10),
                (12, BAD, 11),
                (12, VALID, 204),
                (30, VALID, 200),
            ),
            "one-in-ten-minutes": scenario(
                TASKS,
                {bucket(): "0x120", count(): "0x20 1x20 2x80"},
                (9, VALID, 0),
                (9, BURN, None),
                (13, f"round({VALID})", 1),
                (13, f"round({BAD})", 1),
                (13, BURN, 1_000),
                (30, BURN, None),
            ),
        },
        groups=COUNTING,
    )


def test_native_histograms(tmp_path: Path) -> None:
    native = NativeHistogram(parse_selector('d_seconds{job="a"}'), 1_000)
    series = 'd_seconds{job="a",instance="1"}'
    # Of schema 0: ten events up to half a second or a whole one, ten up to two.
    events = "{{schema:0 sum:25 count:20 buckets:[10 10]}}"
    slow = "{{schema:0 sum:1.5 count:1 buckets:[0 1]}}"
    none = "{{schema:0 sum:0 count:0 buckets:[0 0]}}"
    run(
        tmp_path,
        {
            "never": scenario(native, {"other": "0x120"}, (30, BAD, None), (30, VALID, None)),
            "gone": scenario(native, {series: f"{events}+{events}x40 stale"}, (15, VALID, 200), (30, VALID, None)),
            "reset": scenario(
                native,
                {series: f"{events}+{events}x30 {events}+{events}x60"},
                (17, f"{VALID} >= bool 170", 1),
                (17, f"{VALID} <= bool 210", 1),
                (17, f"{BAD} >= bool 85", 1),
                (30, BAD, 100),
                (30, VALID, 200),
            ),
            "one-in-ten-minutes": scenario(
                native,
                {series: f"{none}x19 {slow}x100"},
                (9, BURN, None),
                (13, f"round({VALID})", 1),
                (13, f"round({BAD})", 1),
                (30, BURN, None),
            ),
        },
        groups=COUNTING,
    )


def test_shares_of_time(tmp_path: Path) -> None:
    backlog = TimeShare(Gauge(parse_selector("queue")), Decimal(500), Side.BELOW)
    age = TimeShare(Age(parse_selector("made_timestamp_seconds")), Decimal(600), Side.BELOW)
    p95 = TimeShare(Quantile(parse_selector("d_seconds"), Decimal("0.95"), 300), Decimal("0.5"), Side.BELOW)
    fast, all_ = 'd_seconds_bucket{le="0.5"}', 'd_seconds_bucket{le="+Inf"}'
    run(
        tmp_path,
        {
            "never": scenario(backlog, {"other": "0x120"}, (30, BAD, None), (30, VALID, None)),
            "gone": scenario(backlog, {"queue": "900x40 stale"}, (15, BAD, 5), (30, BAD, None), (30, VALID, None)),
            "born": scenario(backlog, {"queue": "_x20 900x100"}, (9, VALID, None), (12, BAD, 3), (12, VALID, 3)),
            "age-never": scenario(age, {"other": "0x120"}, (30, BAD, None), (30, VALID, None)),
            "age-born": scenario(age, {"made_timestamp_seconds": "_x20 0x100"}, (12, BAD, 2), (30, BAD, 5)),
            # Nothing happens: that has no quantile, and is neither good nor bad.
            "quantile-idle": scenario(p95, {fast: "9x120", all_: "10x120"}, (30, BAD, None), (30, VALID, None)),
            "quantile-reset": scenario(
                p95, {fast: "0+9x30 0+9x60", all_: "0+9x30 0+9x60"}, (17, BAD, 0), (30, BAD, 0), (30, VALID, 5)
            ),
        },
        groups=COUNTING,
    )


def test_expressions(tmp_path: Path) -> None:
    own = Expressions('sum(increase(x_total{job="a",code="500"}[$window]))', "sum(increase(x_total[$window]))")
    run(
        tmp_path,
        {
            "never": scenario(own, {"other": "0x120"}, (30, BAD, None), (30, VALID, None)),
            "reset": scenario(
                own,
                {x("200"): "0+60x30 0+60x60", x("500"): "0+3x30 0+3x60"},
                (17, f"{VALID} >= bool 500", 1),
                (17, f"{VALID} <= bool 700", 1),
                (17, f"{BAD} >= bool 25", 1),
                (17, f"{BAD} <= bool 35", 1),
                (30, BAD, 30),
            ),
            "one-in-ten-minutes": scenario(
                own,
                {x("200"): "5x120", x("500"): "0x20 1x100"},
                (9, BURN, None),
                (13, f"round({BAD})", 1),
                (13, BURN, 1_000),
                (30, BURN, None),
            ),
        },
        groups=COUNTING,
    )


def test_minutes_of_events(tmp_path: Path) -> None:
    run(
        tmp_path,
        {
            "no-bad-series": scenario(ERRORS, {x("200"): "0+60x120"}, (30, BAD, 0), (30, VALID, 5), slices=MINUTES),
            "nothing": scenario(ERRORS, {"other": "0x120"}, (30, BAD, None), (30, VALID, None), slices=MINUTES),
            "reset": scenario(
                ERRORS,
                {x("200"): "0+60x30 0+60x60", x("500"): "0x90"},
                (17, BAD, 0),
                (30, BAD, 0),
                (30, VALID, 5),
                slices=MINUTES,
            ),
            # A minute in which nobody asked failed nobody: all minutes of the window count.
            "no-traffic": scenario(ERRORS, {x("200"): "7x120"}, (30, BAD, 0), (30, VALID, 5), slices=MINUTES),
            "one-in-ten-minutes": scenario(
                ERRORS,
                {x("200"): "5x120", x("500"): "0x20 1x100"},
                (9, BAD, 0),
                (13, BAD, 1),
                (13, VALID, 5),
                (30, BAD, 0),
                slices=MINUTES,
            ),
            "good-gone": scenario(
                GOOD,
                {x("200"): "0+60x40 stale", x("500"): "0+0x40 0+60x80"},
                (15, BAD, 0),
                (30, BAD, 5),
                slices=MINUTES,
            ),
            "born": scenario(
                ERRORS,
                {x("200"): "0+60x120", x("500"): "_x20 90x100"},
                (9, BAD, 0),
                (13, BAD, 1),
                (30, BAD, 0),
                slices=MINUTES,
            ),
        },
        groups=COUNTING,
    )
