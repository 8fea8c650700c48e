"""Waiting for something to become true, by asking again and never by a fixed pause."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    probe: Callable[[], T],
    timeout: float = 30.0,
    describe: str | Callable[[], str] = "",
    *,
    interval: float = 0.1,
) -> T:
    """Call `probe` until it returns something true, and return that.

    A probe may also assert: an AssertionError counts as "not yet". Any other error passes through at once.

    Args:
        probe: asked every `interval` seconds, at least once.
        timeout: seconds after which to give up.
        describe: what was waited for; a callable is asked at the end only, for the state of things then.
        interval: seconds between two questions.

    Raises:
        AssertionError: nothing true within `timeout`; carries the description and the last answer.

    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = probe()
        except AssertionError as error:
            last = str(error)
        else:
            if answer:
                return answer
            last = repr(answer)
        if time.monotonic() >= deadline:
            what = describe() if callable(describe) else describe
            raise AssertionError(f"not within {timeout:g} s: {what or probe}; last answer: {last}")
        time.sleep(interval)


def becomes(probe: Callable[[], bool], timeout: float, *, interval: float = 0.1) -> bool:
    """Say whether `probe` became true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not probe():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True
