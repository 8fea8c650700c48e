"""What a benchmark says: one figure, how it came about, as a file and as a line of the table."""

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"


@dataclass(frozen=True)
class Result:
    """One figure: `value` in `unit`; `detail` says of what it is the median, and what else was seen."""

    name: str
    value: float
    unit: str
    detail: dict[str, Any] = field(default_factory=dict)


class UnavailableError(Exception):
    """A benchmark cannot be run; the text says what is missing and what to do about it."""


def write(results: Iterable[Result], folder: Path = FOLDER) -> None:
    """Write every result to a file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in results:
        (folder / f"{each.name}.json").write_text(json.dumps(asdict(each), indent=1) + "\n")


def table(results: Iterable[Result]) -> str:
    """Return the results as lines: name, value, unit, and what belongs to it."""
    rows = [(each.name, shown(each.value), each.unit, _brief(each.detail)) for each in results]
    if not rows:
        return "no results"
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {brief}".rstrip()
        for name, value, unit, brief in rows
    )


def shown(value: float) -> str:
    """Return a value with three digits that count: 0.00123, 12.3, 4560."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _brief(detail: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {shown(value) if isinstance(value, float) else value}"
        for name, value in detail.items()
        if not isinstance(value, list | dict)
    )


def timed(work: Callable[[], object]) -> float:
    """Return the seconds on the clock that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def of_runs(seconds: list[float], **more: object) -> dict[str, Any]:
    """Return the detail of a median: how many runs, and how far apart."""
    return {"runs": len(seconds), "least": min(seconds), "most": max(seconds), **more}


def median(values: list[float]) -> float:
    """Return the median as a plain number."""
    return float(statistics.median(values))
