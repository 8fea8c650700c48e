"""When cycles evaluate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """When cycles evaluate: every `interval_s`, at a common time at least `offset_s` behind Prometheus."""

    interval_s: int = 30
    offset_s: int = 15

    def evaluation_time(self, now: float) -> int:
        """Return the newest common evaluation time, epoch seconds."""
        behind = int(now) - self.offset_s
        return behind - behind % self.interval_s
