"""What every test below stands on."""

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
