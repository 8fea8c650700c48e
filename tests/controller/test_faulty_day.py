"""A day with faults at random ends as the day without them, and holds back the same meanwhile."""

import pytest

from frostline.core.policy import Rule
from tests.controller.day.comparing import differences, strayed, workloads
from tests.controller.day.faults import KINDS, drawn
from tests.controller.day.lived import Day, lived

SEEDS = [1, 2]


@pytest.fixture(scope="module")
def quiet() -> Day:
    """Return the day without faults."""
    return lived()


def test_the_day_without_faults_has_all_there_is_to_compare(quiet: Day) -> None:
    shown = {rule for rules in quiet.seen.values() for rule in rules.values()}
    assert shown == {Rule.WARN, Rule.SLUSH, Rule.FREEZE}
    assert len(workloads(quiet)) == 7
    assert {at: wrong for at, wrong in quiet.amiss.items() if wrong} == {}
    assert quiet.around.wrong == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_with_faults_ends_as_the_one_without(quiet: Day, seed: int) -> None:
    faults = drawn(seed)
    faulty = lived(faults, seed)

    story = "\n".join([f"seed {seed}:", *map(str, faults)])
    assert faulty.around.wrong == [], story
    assert strayed(quiet, faulty, faults) == [], story
    assert differences(quiet, faulty, faults) == [], story
    assert faulty.around.fenced > 0, f"no write met a fence, {story}"


def test_every_kind_of_fault_strikes_in_one_of_the_days() -> None:
    assert {fault.what for seed in SEEDS for fault in drawn(seed)} == {kind.what for kind in KINDS}
