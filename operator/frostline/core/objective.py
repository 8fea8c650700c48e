"""An objective as the arithmetic sees it."""

from dataclasses import dataclass, field
from decimal import Decimal

from frostline.core.indicator import Indicator, TimeShare
from frostline.core.promql import STEP_S, Slices
from frostline.core.window import Window

PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: `target` percent (below 100) of the valid events, or of the slices, of the window are good.

    `share` is the same as `allowed`, as arithmetic on counts takes it.
    """

    indicator: Indicator
    target: Decimal
    window: Window
    slices: Slices | None = None
    share: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.target < PERCENT:
            raise ValueError(f"a target lies between 0 and 100, not at {self.target}")
        object.__setattr__(self, "share", float(self.allowed))

    @property
    def allowed(self) -> Decimal:
        """Share of the valid events that may be bad, 0 to 1, exact: 0.001 for 99.9."""
        return (PERCENT - self.target) / PERCENT

    @property
    def slice_s(self) -> int | None:
        """Length of what is counted where time is counted, in seconds; None where events are."""
        if isinstance(self.indicator, TimeShare):
            return STEP_S
        return None if self.slices is None else self.slices.length_s
