"""A real Prometheus with a month behind it and live series in front, all on the loopback interface."""

import contextlib
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.fleet import BAD_SHARE, PER_SECOND
from bench.results import FOLDER
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.progress import Say
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.site import Site
from e2e.cluster.tools import Finder
from e2e.cluster.waiting import eventually

JOB: Final = "bench"
SCRAPE_S: Final = 15
HISTORY_DAYS: Final = 32
HISTORY_STEP_S: Final = 300
_DAY_S: Final = 86_400
_METRIC: Final = "http_requests_total"
_RATES: Final = {"200": PER_SECOND * (1 - BAD_SHARE), "503": PER_SECOND * BAD_SHARE}
"""Events per second by status code."""


class GrowingExporter(LiveExporter):
    """Counters of `services` services that grow with the clock, as if they had begun at epoch second `since`."""

    def __init__(self, services: int, since: float) -> None:
        self._services = services
        self._since = since
        super().__init__()

    def text(self) -> str:
        """Return what is exposed now."""
        passed = time.time() - self._since
        lines = [f"# TYPE {_METRIC} counter"]
        for code, rate in _RATES.items():
            value = math.floor(rate * passed)
            lines += [f'{_METRIC}{{service="{number}",code="{code}"}} {value}' for number in range(self._services)]
        return "\n".join([*lines, ""])


@contextlib.contextmanager
def running(services: int, tell: Say) -> Iterator[str]:
    """Give the URL of a Prometheus that has a month of `services` services and goes on scraping them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="prometheus-") as temporary:
        site = Site(Path(temporary), tell)
        site.link_tools(Finder(os.environ, tell).find(("prometheus", "promtool")).values())
        prometheus = Prometheus(site.folder / "prometheus", site.tool, site.supervisor, scrape_interval=f"{SCRAPE_S}s")
        end = int(time.time()) - 2 * SCRAPE_S
        with GrowingExporter(services, end - HISTORY_DAYS * _DAY_S) as exporter:
            try:
                tell(f"  writing {HISTORY_DAYS} days of {services} services")
                files = _write_history(site.folder / "history", services, end, exporter.address)
                prometheus.write_history(*files)
                shutil.rmtree(site.folder / "history")
                prometheus.add_target(JOB, exporter.address)
                eventually(lambda: _live(prometheus, services, end), timeout=60, describe="live series", interval=1)
                yield prometheus.url
            finally:
                prometheus.stop()


def _live(prometheus: Prometheus, services: int, after: int) -> bool:
    fresh = prometheus.query(f"count(timestamp({_METRIC}) > {after})")
    return bool(fresh) and int(fresh[0]["value"][1]) == services * len(_RATES)


def _write_history(folder: Path, services: int, end: int, instance: str) -> list[Path]:
    """Write one file for every day of UTC, which is one block."""
    folder.mkdir()
    since = end - HISTORY_DAYS * _DAY_S
    files = []
    for day in range(since // _DAY_S, end // _DAY_S + 1):
        first = max(since, day * _DAY_S)
        times = range(first - first % -HISTORY_STEP_S, min(end, (day + 1) * _DAY_S), HISTORY_STEP_S)
        if times:
            files.append(folder / f"{day}.openmetrics")
            files[-1].write_text("".join(_day(times, since, services, instance)))
    return files


def _day(times: range, since: int, services: int, instance: str) -> Iterator[str]:
    yield f"# TYPE {_METRIC.removesuffix('_total')} counter\n"
    for code, rate in _RATES.items():
        samples = [f"{math.floor(rate * (at - since))} {at}\n" for at in times]
        for number in range(services):
            labels = f'{_METRIC}{{job="{JOB}",instance="{instance}",service="{number}",code="{code}"}} '
            yield labels + labels.join(samples)
    yield "# EOF\n"
