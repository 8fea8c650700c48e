from hypothesis import given
from hypothesis import strategies as st

from frostline.core.pacing import Bucket


def test_a_full_bucket_gives_its_burst_and_then_waits() -> None:
    bucket = Bucket.full(50, 2, at=0)

    assert bucket.taken().taken().wait_s == 0.02
    assert bucket.taken().wait_s == 0


def test_it_fills_at_its_rate_and_not_above_its_burst() -> None:
    empty = Bucket.full(10, 5, at=0).taken().taken().taken()

    assert empty.filled(0.1).tokens == 3
    assert empty.filled(60).tokens == 5


def test_a_clock_that_goes_back_adds_nothing() -> None:
    assert Bucket(10, 5, 1, at=100).filled(90).tokens == 1


@given(st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    bucket, now, taken = Bucket.full(5, 10, at=0), 0.0, 0
    for gap in gaps:
        now += gap
        bucket = bucket.filled(now)
        while bucket.wait_s == 0:
            bucket, taken = bucket.taken(), taken + 1
    assert taken <= 10 + 5 * now + 1e-6
