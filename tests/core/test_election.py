import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.election import Candidate, Record, Terms

WALL = "2026-01-01T00:00:00.000000Z"


def held(holder: str, renewed: str = "r1", *, lease_s: float = 15.0, transitions: int = 3) -> Record:
    return Record(holder, lease_s, "a", renewed, transitions)


def elected(at: float = 100.0) -> Candidate:
    fresh = Candidate("us")
    return fresh.holds(fresh.claim(WALL), at)


def test_where_there_is_no_lease_it_is_taken() -> None:
    fresh = Candidate("us").observed(None, 100.0)

    assert fresh.may_claim(100.0)
    assert fresh.claim(WALL) == Record("us", 15.0, WALL, WALL, 0)


@pytest.mark.parametrize(
    ("record", "waited", "may"),
    [
        pytest.param(held("other"), 14.9, False, id="another holds it"),
        pytest.param(held("other"), 15.0, True, id="another held it, and was not heard of since"),
        pytest.param(held("other", lease_s=60), 59.9, False, id="another asked for longer"),
        pytest.param(held("other", lease_s=0), 14.9, False, id="another does not say for how long"),
        pytest.param(held("other", lease_s=0), 15.0, True, id="and our own length counts"),
        pytest.param(held(""), 0.0, True, id="let go"),
        pytest.param(held("us"), 0.0, True, id="ours, though the answer to our claim was lost"),
    ],
)
def test_when_a_lease_may_be_claimed(record: Record, waited: float, may: bool) -> None:
    assert Candidate("us").observed(record, 100.0).may_claim(100.0 + waited) is may


def test_a_renewal_by_another_begins_the_wait_anew() -> None:
    watching = Candidate("us").observed(held("other", "r1"), 100.0).observed(held("other", "r1"), 110.0)
    renewed = watching.observed(held("other", "r2"), 114.0)

    assert watching.may_claim(115.0)
    assert not renewed.may_claim(115.0)
    assert renewed.may_claim(129.0)


def test_a_lease_that_somebody_deleted_is_not_taken_before_its_holder_stopped() -> None:
    watching = Candidate("us").observed(held("other"), 100.0).observed(None, 101.0)

    assert not watching.may_claim(114.0)
    assert watching.may_claim(115.0)


def test_it_leads_from_the_sending_of_its_claim_to_the_deadline() -> None:
    leader = elected(100.0)

    assert [leader.leads(at) for at in (100.0, 109.9, 110.0)] == [True, True, False]
    assert leader.holds(leader.claim(WALL), 108.0).leads(117.9)


def test_a_renewal_changes_nothing_but_its_time() -> None:
    leader = elected()

    assert leader.claim("later") == Record("us", 15.0, WALL, "later", 0)


def test_another_holder_ends_it_at_once() -> None:
    leader = elected(100.0).observed(held("other"), 101.0)

    assert not leader.leads(101.0)
    assert leader.claim("later") == Record("us", 15.0, "later", "later", 4)


def test_who_lets_go_lets_the_next_one_in() -> None:
    farewell = elected().farewell("later")

    assert farewell is not None
    assert Candidate("next").observed(farewell, 7.0).may_claim(7.0)


@pytest.mark.parametrize(
    "candidate",
    [Candidate("us"), Candidate("us").observed(held("other"), 1.0), elected().observed(held("other"), 101.0)],
    ids=["fresh", "standing by", "overtaken"],
)
def test_who_does_not_lead_lets_nothing_go(candidate: Candidate) -> None:
    assert candidate.farewell(WALL) is None
    assert elected().resigned().farewell(WALL) is None


ACTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["look", "look", "look", "lost answer", "read only"]),
        st.sampled_from([0.0, 0.5, 2.0, 9.5, 15.0]),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(ACTS, st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_no_two_lead_at_once(acts: list[tuple[int, str, float]], offsets: list[float]) -> None:
    """Whatever is lost, late or stopped: three candidates with clocks of their own, one Lease that checks versions."""
    terms = Terms()
    everyone = [Candidate(f"candidate-{number}", terms) for number in range(3)]
    stored: tuple[int, Record] | None = None
    now = 0.0
    for number, act, passed in acts:
        candidate, mine = everyone[number], offsets[number]
        read = stored
        candidate = candidate.observed(None if read is None else read[1], now + mine)
        if act != "read only" and candidate.may_claim(now + mine):
            sent = now + mine
            record = candidate.claim(f"{now}")
            # The request is on its way for a while, in which nobody else is heard here: versions settle the rest.
            stored = (0 if stored is None else stored[0] + 1, record)
            if act == "look":
                candidate = candidate.holds(record, sent)
        everyone[number] = candidate
        now += passed
        leading = [each for each, offset in zip(everyone, offsets, strict=True) if each.leads(now + offset)]
        assert len(leading) <= 1
