"""Hours of minutes and slices, as Prometheus's own engine reads them from what rules recorded."""

import subprocess
from pathlib import Path

import pytest
import yaml

from frostline.core.ledger import COARSE_S, Gap
from frostline.core.recorded import LAG_S
from frostline.names import Recorded
from frostline.prometheus.recorded import RecordedSource
from tests.prometheus.recording import Promised, Recording
from tests.prometheus.test_recorded import A, asked
from tests.support.promtool import promtool

LABELS = '{namespace="shop",name="a",unit="minute"}'
MINUTE = 60
STEP = 30
GAP = Gap(COARSE_S, 3 * COARSE_S, COARSE_S)
ENDS = range(GAP.start + COARSE_S, GAP.last + COARSE_S + 1, COARSE_S)
UNTIL = ENDS[-1] + 600


def queries() -> list[str]:
    """Return what is asked about the hours of a gap, bad events first."""
    recording = Recording({"a": Promised()})
    RecordedSource(recording).closed(asked(A), GAP)
    return [query for query in recording.queries if "rate1h" in query and not query.startswith("max(")]


def recorded(bad: frozenset[int]) -> str:
    """Return what the rule of bad minutes records, in promtool's notation: `bad` has the ends of minutes."""
    rates = []
    for at in range(0, UNTIL + 1, STEP):
        last = at - at % MINUTE
        seen = sum(end in bad for end in range(last - 4 * MINUTE, last + 1, MINUTE))
        rates.append(f"{seen / 300:.9f}")
    return " ".join(rates)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([COARSE_S], id="the last minute before"),
        pytest.param([COARSE_S + MINUTE], id="the first minute"),
        pytest.param([2 * COARSE_S - 2 * MINUTE, 2 * COARSE_S], id="the last minutes of an hour"),
        pytest.param([ENDS[-1], ENDS[-1] + MINUTE], id="the last minute, and the one after"),
        pytest.param(range(COARSE_S - 600, 2 * COARSE_S + 840, MINUTE), id="a long outage over edges"),
        pytest.param(range(MINUTE, UNTIL, 7 * MINUTE), id="now and again"),
    ],
)
def test_every_minute_counts_once_and_in_its_hour(tmp_path: Path, bad: list[int]) -> None:
    test = {
        "interval": f"{STEP}s",
        "input_series": [{"series": f"{Recorded.BAD_5M}{LABELS}", "values": recorded(frozenset(bad))}],
        "promql_expr_test": [
            {
                "expr": f"round(({queries()[0]}) * {COARSE_S}, 0.001)",
                "eval_time": f"{end + LAG_S}s",
                "exp_samples": [{"labels": LABELS, "value": sum(end - COARSE_S < minute <= end for minute in bad)}],
            }
            for end in ENDS
        ],
    }
    document = tmp_path / "hours.yaml"
    document.write_text(yaml.safe_dump({"fuzzy_compare": True, "tests": [test]}, width=10**6))

    answer = subprocess.run(
        [promtool(), "test", "rules", document], capture_output=True, text=True, check=False, timeout=60
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
