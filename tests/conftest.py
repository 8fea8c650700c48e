"""What every test below stands on."""

import gc

from hypothesis import HealthCheck, settings

# The same examples in every run, whatever the machine's speed: a red build is a fault and no bad luck.
settings.register_profile(
    "frostline",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("frostline")


def pytest_collection_finish() -> None:
    """Take what has been imported out of the garbage collector's sight: it would look at all of it again and again."""
    gc.freeze()
