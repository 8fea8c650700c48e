"""Which alerts fire when, and which do not, played by promtool."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from frostline.core.indicator import Counted, Counters, Gauge, Side, TimeShare
from frostline.core.objective import Objective
from frostline.core.rules import Alerting, Promise
from frostline.core.selector import parse_selector
from frostline.core.window import Calendar, Period, Rolling, Window
from tests.support.promtool import Scenario, run

FAST, SLOW = "FrostlineBudgetBurnsFast", "FrostlineBudgetBurnsSlowly"
YELLOW, RED = "FrostlineYellow", "FrostlineRed"
HALF, NEAR = "FrostlineBudgetHalfGone", "FrostlineBudgetExhaustionNear"
NO_DATA, OVERDUE = "FrostlineNoData", "FrostlineReviewOverdue"
ABSENT, STOPPED = "FrostlineOperatorAbsent", "FrostlineCyclesStopped"

GOOD_SERIES, BAD_SERIES = 'x_total{job="a",code="200"}', 'x_total{job="a",code="500"}'
ERRORS = Counters(parse_selector(BAD_SERIES), Counted.BAD, parse_selector('x_total{job="a"}'))
MONTH = Rolling(timedelta(days=30))
DAY = Rolling(timedelta(days=1))

LONG_AGO = date(1965, 2, 28)
# promtool begins with 1970.
TODAY, YESTERDAY = date(1970, 1, 1), date(1969, 12, 31)

# Six hundred requests in each half minute; from the first hour on half of them fail, for a quarter of an hour.
OUTAGE = {GOOD_SERIES: "0+600x120 72300+300x29 81300+600x400", BAD_SERIES: "0x120 300+300x29 9000x400"}


def promise(
    target: str = "99.9", window: Window = MONTH, *, tier: int = 1, name: str = "checkout", **people: Any
) -> Promise:
    return Promise("shop", name, Objective(ERRORS, Decimal(target), window), "buying", tier, "team-shop", **people)


def test_an_outage_pages_while_it_lasts(tmp_path: Path) -> None:
    former = '{namespace="shop",name="checkout",unit="event",window="7d"}'
    fired = {
        "exp_labels": {
            "severity": "page",
            "namespace": "shop",
            "name": "checkout",
            "journey": "buying",
            "tier": "1",
            "owner": "team-shop",
            "unit": "event",
            "window": "30d",
            "alerting": "burn",
        },
        "exp_annotations": {
            "summary": "buying fails its users: shop/checkout burns its error budget 66.8 times too fast",
            "description": "It went wrong over the last hour (or six), and goes on. Undo the last release first, then"
            " look for the cause: going back is never held up. team-shop answers for it.",
            "runbook_url": "https://frostline.dev/docs/alerts#frostlinebudgetburnsfast",
            "dashboard_url": "https://frostline.dev/dashboards/slo?var-namespace=shop&var-name=checkout",
        },
    }
    run(
        tmp_path,
        {
            "page": Scenario(
                [promise()],
                OUTAGE,
                firing=[(59, set()), (67, {FAST}), (75, {FAST}), (125, set())],
                watched=[FAST],
                alerts=[(70, FAST, [fired])],
            ),
            # What was counted for a window that the promise had before is still in every range.
            "new-window": Scenario(
                [promise()],
                OUTAGE | {f"slo:frostline_{of}:rate5m{former}": "1x110 stale" for of in ("bad", "valid")},
                values=[(66, "count(slo:frostline_burn:rate1h)", 1), (66, "count(slo:frostline_burn:rate6h)", 1)],
                firing=[(67, {FAST})],
                watched=[FAST],
            ),
            # One journey, three promises: three alerts with one journey, for one group.
            "journey": Scenario(
                [promise(name=name) for name in ("a", "b", "c")],
                OUTAGE,
                values=[
                    (70, f'count(ALERTS{{alertname="{FAST}",alertstate="firing"}})', 3),
                    (70, f'count(count by(namespace,journey,severity) (ALERTS{{alertname="{FAST}"}}))', 1),
                ],
            ),
            "tier-3": Scenario([promise(tier=3)], OUTAGE, firing=[(70, set()), (74, {SLOW})], watched=[FAST, SLOW]),
            "off": Scenario(
                [promise(alerting=Alerting.NONE)],
                OUTAGE,
                firing=[(70, set())],
                watched=[FAST, SLOW, YELLOW, RED, HALF, NEAR, NO_DATA],
            ),
            # Beside each other every promise keeps to its own choice.
            "mixed": Scenario(
                [
                    promise(name="a"),
                    promise(name="b", alerting=Alerting.PACE),
                    promise(name="c", alerting=Alerting.NONE, review_due=LONG_AGO),
                ],
                OUTAGE,
                values=[
                    (70, f'count(ALERTS{{name="a",alertname="{FAST}",alertstate="firing"}})', 1),
                    (70, f'count(ALERTS{{name="a",alertname=~"{YELLOW}|{RED}"}})', None),
                    (70, f'count(ALERTS{{name="b",alertname=~"{YELLOW}|{RED}",alertstate="firing"}})', 2),
                    (70, f'count(ALERTS{{name="b",alertname=~"{FAST}|{SLOW}"}})', None),
                    (70, 'count(ALERTS{name="c"})', None),
                ],
            ),
            "pace": Scenario(
                [promise(alerting=Alerting.PACE)],
                OUTAGE,
                firing=[(59, set()), (67, {YELLOW, RED}), (125, set())],
                watched=[FAST, SLOW, YELLOW, RED],
            ),
            # Five times what may fail: worth an engineer, not the lead.
            "yellow": Scenario(
                [promise(alerting=Alerting.PACE)],
                {GOOD_SERIES: "0+597x200", BAD_SERIES: "0+3x200"},
                firing=[(70, {YELLOW})],
                watched=[YELLOW, RED],
            ),
        },
        step="1m",
    )


def test_three_bad_requests_at_night_page_nobody(tmp_path: Path) -> None:
    quiet = {GOOD_SERIES: "0x20 1x20 2x20 3x200", BAD_SERIES: "0x130 1x4 2x4 3x200"}
    share = TimeShare(Gauge(parse_selector("queue")), Decimal(500), Side.BELOW)
    minutes = Promise("shop", "queue", Objective(share, Decimal("99.9"), MONTH), "buying", 1)
    checked = [(minute, set[str]()) for minute in (66, 67, 69, 72, 80, 100)]
    run(
        tmp_path,
        {
            "old": Scenario([promise()], quiet, firing=checked, watched=[FAST]),
            # Measured since minutes only: what is known of the hour is not taken for all of it.
            "new": Scenario(
                [promise()],
                {GOOD_SERIES: "0+1x40", BAD_SERIES: "0x4 1 2 3x40"},
                firing=[(minute, set()) for minute in (3, 4, 5, 6, 8, 10, 15)],
                watched=[FAST],
            ),
            "pace": Scenario([promise(alerting=Alerting.PACE)], quiet, firing=checked, watched=[YELLOW, RED]),
            # Whoever has few users says so; others go by the usual, and by their own.
            "minimum": Scenario(
                [promise(name="few", minimum_bad=3), promise(name="some", minimum_bad=4), promise(name="usual")],
                quiet,
                values=[
                    (68, f'count(ALERTS{{alertname="{FAST}"}})', None),
                    (73, f'count(ALERTS{{alertname="{FAST}",name="few"}})', 1),
                    (73, f'count(ALERTS{{alertname="{FAST}"}})', 1),
                ],
            ),
            "one-bad-minute": Scenario(
                [minutes],
                {"queue": "1x120 900x1 1x100"},
                firing=[(minute, set()) for minute in range(60, 75)],
                watched=[FAST],
            ),
            "bad-minutes": Scenario([minutes], {"queue": "1x120 900x20"}, firing=[(66, {FAST})], watched=[FAST]),
        },
    )


def test_no_data_and_our_own_health(tmp_path: Path) -> None:
    gone = {GOOD_SERIES: "0+600x60 stale"}
    run(
        tmp_path,
        {
            "tier-1": Scenario([promise()], gone, firing=[(29, set()), (45, {NO_DATA})], watched=[NO_DATA]),
            "tier-2": Scenario([promise(tier=2)], gone, firing=[(45, set())], watched=[NO_DATA]),
            "quiet": Scenario([promise()], {GOOD_SERIES: "5x120"}, firing=[(45, set())], watched=[NO_DATA]),
            "operator-gone": Scenario(
                [promise()],
                {"frostline_cycles_total": "0+1x20 stale"},
                firing=[(9, set()), (25, {ABSENT})],
                watched=[ABSENT, STOPPED],
            ),
            "operator-stuck": Scenario(
                [promise()],
                {"frostline_cycles_total": "0+1x20 20x120"},
                firing=[(15, set()), (40, {STOPPED})],
                watched=[ABSENT, STOPPED],
            ),
        },
    )


def test_reviews_are_overdue_from_the_day_after(tmp_path: Path) -> None:
    fired = {
        "exp_labels": {
            "severity": "ticket",
            "namespace": "shop",
            "name": "yesterday",
            "journey": "buying",
            "tier": "1",
            "owner": "team-shop",
            "unit": "event",
            "window": "30d",
            "alerting": "burn",
            "review_due": "1969-12-31",
        },
        "exp_annotations": {
            "summary": "shop/yesterday (buying) should have been reviewed by 1969-12-31",
            "description": "Is the target still what users need? Look at it together, then set spec.review.last."
            " team-shop answers for it.",
            "runbook_url": "https://frostline.dev/docs/alerts#frostlinereviewoverdue",
            "dashboard_url": "https://frostline.dev/dashboards/slo?var-namespace=shop&var-name=yesterday",
        },
    }
    overdue = f'ALERTS{{alertname="{OVERDUE}",alertstate="firing"}}'
    run(
        tmp_path,
        {
            "days": Scenario(
                [
                    promise(name="long-ago", review_due=LONG_AGO),
                    promise(name="yesterday", review_due=YESTERDAY),
                    promise(name="today", review_due=TODAY),
                    promise(name="never"),
                ],
                {GOOD_SERIES: "0+1x10"},
                values=[
                    (60, f"count({overdue})", 2),
                    (1_430, f"count({overdue})", 2),
                    (1_450, f"count({overdue})", 3),
                    (1_450, f'count({overdue[:-1]},name="today"}})', 1),
                ],
            ),
            "off": Scenario(
                [promise(alerting=Alerting.NONE, review_due=YESTERDAY), promise(name="b", review_due=TODAY)],
                {GOOD_SERIES: "0+1x10"},
                firing=[(60, set())],
                watched=[OVERDUE],
            ),
            "words": Scenario([promise(name="yesterday", review_due=YESTERDAY)], {}, alerts=[(10, OVERDUE, [fired])]),
        },
        step="10m",
        groups=("frostline-slos", "frostline-reviews"),
    )


def test_slow_ones(tmp_path: Path) -> None:
    # A day's budget of 99 %: nine tenths of it go in the fifth hour; what comes before is a tenth of the window.
    spent = {GOOD_SERIES: "0+100x600 60000+100x2000", BAD_SERIES: "0x479 0+20x120 2400x2000"}
    # An even burn of twice what lasts: half of it is gone from the start, and no end of the day sees any left.
    even = {GOOD_SERIES: "0+98x1000", BAD_SERIES: "0+0.7x1000"}
    calendar = promise(window=Calendar(Period.MONTH, UTC))
    left = 'frostline_budget_remaining_ratio{namespace="shop",name="checkout"}'
    remaining = "sum(slo:frostline_budget_remaining:ratio)"
    run(
        tmp_path,
        {
            "half-gone": Scenario(
                [promise("99", DAY)],
                spent,
                # Before a tenth of the day is known nothing is said of it.
                values=[(60, remaining, None), (235, remaining, 1), (480, f"{remaining} < bool 0.5", 1)],
                firing=[(235, set()), (480, {HALF})],
                watched=[HALF],
            ),
            "forecast": Scenario(
                [promise("99", DAY)], even, firing=[(60, set()), (400, {HALF, NEAR})], watched=[HALF, NEAR]
            ),
            # 14.4 times the tenth that may fail is more than everything: that limit is not there, the next one pages.
            "cannot-fire": Scenario(
                [promise("90")],
                {GOOD_SERIES: "0+600x120 72000x400", BAD_SERIES: "0x120 0+600x400"},
                values=[
                    (70, 'sum(slo:frostline_burn:limit{pair="1h"})', None),
                    (70, 'sum(slo:frostline_burn:limit{pair="6h"})', 6),
                ],
                firing=[(59, set()), (260, {FAST})],
                watched=[FAST],
            ),
            "calendar": Scenario(
                [calendar],
                {left: "0.8x40 0.3x100"},
                values=[(10, remaining, 0.8), (40, remaining, 0.3)],
                firing=[(19, set()), (52, {HALF})],
                watched=[HALF, NEAR],
            ),
        },
        step="4m",
    )
