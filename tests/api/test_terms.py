from datetime import date
from typing import Any

import pytest

from frostline.api.accept import Accepted, accept
from frostline.api.terms import Terms
from frostline.core.lint import Fields
from frostline.core.rules import Alerting
from tests.api.test_accept import spec


def terms(**parts: Any) -> Terms:
    accepted = accept(spec(**parts))
    assert isinstance(accepted, Accepted), accepted
    return accepted.terms


def test_what_a_manifest_leaves_out() -> None:
    assert terms() == Terms("30d", 3, Fields("spec.indicator.ratio.bad", "spec.indicator.ratio.valid"))


def test_what_a_manifest_says() -> None:
    said = terms(
        owner="team-a",
        journey="checkout",
        tier=1,
        policyRef="strict",
        sourceRef="mimir",
        alerting={"profile": "Pace", "minimumBad": 5},
        protects=[{"kind": "Deployment", "name": "gateway"}],
    )

    assert (said.owner, said.journey, said.tier) == ("team-a", "checkout", 1)
    assert (said.policy_ref, said.source_ref) == ("strict", "mimir")
    assert (said.alerting, said.minimum_bad) == (Alerting.PACE, 5)
    assert [each.name for each in said.protects] == ["gateway"]


@pytest.mark.parametrize(
    ("window", "named"),
    [
        pytest.param({"rolling": "4w"}, "4w", id="rolling, as it is written"),
        pytest.param({"calendar": "Month"}, "Month", id="calendar of UTC"),
        pytest.param({"calendar": "Week", "timeZone": "Europe/Berlin"}, "Week Europe/Berlin", id="elsewhere"),
    ],
)
def test_how_a_window_is_named(window: dict[str, str], named: str) -> None:
    assert terms(window=window).window == named


@pytest.mark.parametrize(
    ("review", "due"),
    [
        pytest.param({}, None, id="never reviewed"),
        pytest.param({"last": "2026-10-01"}, date(2026, 12, 30), id="90 days by default"),
        pytest.param({"every": "2w", "last": "2026-10-01"}, date(2026, 10, 15), id="weeks"),
        pytest.param({"every": "9999w", "last": "2026-10-01"}, date(2218, 5, 21), id="rarely"),
        pytest.param({"last": "9999-12-31"}, date.max, id="beyond the end of the calendar"),
    ],
)
def test_when_the_next_review_is_due(review: dict[str, str], due: date | None) -> None:
    said = terms(review=review)

    assert said.reviewed
    assert said.review_due == due


def test_what_many_manifests_say_alike_is_kept_once() -> None:
    one, other = (terms(owner="".join(("team", "-a")), window={"rolling": "28d"}) for _ in range(2))

    assert one.owner is other.owner
    assert one.fields is other.fields
