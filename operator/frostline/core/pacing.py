"""How fast requests may go out: a bucket of tokens that fills at a steady rate."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` as of second `at`; it fills with `rate` a second, up to `burst`."""

    rate: float
    burst: float
    tokens: float
    at: float = 0.0

    @classmethod
    def full(cls, rate: float, burst: float, at: float) -> "Bucket":
        """Return a full one."""
        return cls(rate, burst, burst, at)

    def filled(self, now: float) -> "Bucket":
        """Return it as it is at `now`; a clock that went back adds nothing."""
        tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        return replace(self, tokens=tokens, at=now)

    @property
    def wait_s(self) -> float:
        """Seconds until there is a whole token."""
        return max(0.0, 1.0 - self.tokens) / self.rate

    def taken(self) -> "Bucket":
        """Return it less one token."""
        return replace(self, tokens=self.tokens - 1.0)
