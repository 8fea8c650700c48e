"""Prometheus as a process: its configuration, its targets, and history written before it starts."""

import functools
import json
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.caller import PLAIN
from e2e.cluster.errors import ClusterError
from e2e.cluster.launch import write_atomically
from e2e.cluster.processes import Command
from e2e.cluster.supervisor import Part, Ports, Supervisor

# Longer than any window an objective may have (a year), with room for history before it.
RETENTION = "400d"
# Blocks of a day instead of two hours: 30 days of history are written and loaded in a tenth of the time.
BLOCK_DURATION = "24h"
_RELOADING = ("--enable-feature=auto-reload-config", "--config.auto-reload-interval=5s")


class Prometheus:
    """One Prometheus with its own folder and port.

    Args:
        folder: for configuration, data and targets.
        tools: path of each binary by name.
        supervisor: runs it.
        name: of the process.
        scrape_interval: as Prometheus writes durations.
        targets: folder of the files that name what is scraped; in `folder` unless given.
        receives: whether it takes remote writes, also of samples older than its newest block.
        rules: rule files that it evaluates, as paths or patterns; read again as they change, or at `reload`.
        alertmanagers: HOST:PORT of those that hear of its alerts.

    """

    def __init__(
        self,
        folder: Path,
        tools: Callable[[str], Path],
        supervisor: Supervisor,
        *,
        name: str = "prometheus",
        scrape_interval: str = "5s",
        targets: Path | None = None,
        receives: bool = False,
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
    ) -> None:
        self.part = Part(name, ("http",), self._command, self._ready)
        self.targets = targets or folder / "targets"
        self._folder = folder
        self._data = folder / "data"
        self._tools = tools
        self._supervisor = supervisor
        self._interval = scrape_interval
        self._receives = receives
        self._rules = rules
        self._alertmanagers = alertmanagers

    @property
    def url(self) -> str:
        """Where it answers; the same after a restart."""
        return f"http://127.0.0.1:{self._supervisor.ports(self.part)['http']}"

    def begin(self) -> bool:
        """Start it unless it runs, without waiting. Says whether it did."""
        self.targets.mkdir(parents=True, exist_ok=True)
        self._data.mkdir(parents=True, exist_ok=True)
        native = _knows_native_histograms(self._tools("promtool"))
        config = render_config(self._interval, self.targets, native_histograms=native)
        if self._receives:
            config["storage"] = {"tsdb": {"out_of_order_time_window": RETENTION}}
        config["rule_files"] = list(map(str, self._rules))
        told = [{"static_configs": [{"targets": list(self._alertmanagers)}]}]
        config["alerting"] = {"alertmanagers": told if self._alertmanagers else []}
        write_atomically(self._config, yaml.safe_dump(config, sort_keys=False))
        return self._supervisor.begin(self.part)

    def start(self) -> str:
        """Start it unless it runs, and wait until it answers queries.

        Returns:
            its URL.

        Raises:
            ClusterError: it does not come up.

        """
        self._supervisor.finish(self.part, fresh=self.begin())
        return self.url

    def reload(self) -> None:
        """Have it read its rule files again.

        Raises:
            ClusterError: it does not take them.
            OSError: it does not answer.

        """
        status, body = PLAIN.request(f"{self.url}/-/reload", method="POST", timeout=30)
        if status != 200:
            raise ClusterError(f"Prometheus does not take its rules: {body.decode(errors='replace')}")

    def range(self, promql: str, start: int, end: int, step: int) -> list[dict[str, Any]]:
        """Evaluate PromQL at start, start + step, … up to end.

        Returns:
            the `result` of a matrix: [{"metric": {…}, "values": [[seconds, "text"], …]}, …].

        Raises:
            ClusterError: Prometheus refuses the query.
            OSError: it does not answer.

        """
        asked = urllib.parse.urlencode({"query": promql, "start": start, "end": end, "step": step})
        status, body = PLAIN.request(f"{self.url}/api/v1/query_range?{asked}", timeout=60)
        if status != 200:
            raise ClusterError(f"Prometheus refuses `{promql}`: {body.decode(errors='replace')}")
        result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return result

    def _take(self, blocks: Path) -> None:
        # Prometheus may compact its folder at any time, so it stands still while blocks come in.
        self.stop()
        self._data.mkdir(parents=True, exist_ok=True)
        for block in blocks.iterdir():
            block.rename(self._data / block.name)

    def stop(self) -> None:
        """Stop it. Its data stay."""
        self._supervisor.processes.stop(self.part.name)

    def write_history(self, *openmetrics: Path) -> str:
        """Make blocks out of OpenMetrics files with timestamps, and (re)start with them.

        The history must end before now, and what was scraped before the end of the history is dropped:
        Prometheus takes nothing older than its newest block. So: history first, live targets after.

        Args:
            openmetrics: files of samples in any order of time, with `# EOF` at the end. promtool reads a file once
                for every block: a long history is faster in a file a day.

        Returns:
            the URL.

        Raises:
            ClusterError: promtool refuses the file, or Prometheus does not come up with it.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="blocks-") as made:
            make_blocks(self._tools("promtool"), Path(made), *openmetrics)
            self._take(Path(made))
        return self.start()

    def add_target(self, name: str, address: str, labels: Mapping[str, str] | None = None) -> None:
        """Have `http://ADDRESS/metrics` scraped, under `labels`; `job` is `name` unless given."""
        group = [{"targets": [address], "labels": {"job": name, **(labels or {})}}]
        write_atomically(self.targets / f"{name}.json", json.dumps(group))

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Evaluate PromQL now.

        Returns:
            the `result` of an instant vector: [{"metric": {…}, "value": [seconds, "text"]}, …].

        Raises:
            ClusterError: Prometheus refuses the query.
            OSError: it does not answer.

        """
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
        status, body = PLAIN.request(url, timeout=30)
        if status != 200:
            raise ClusterError(f"Prometheus refuses `{promql}`: {body.decode(errors='replace')}")
        result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return result

    @property
    def _config(self) -> Path:
        return self._folder / "prometheus.yml"

    def _command(self, ports: Ports) -> Command:
        native = _knows_native_histograms(self._tools("promtool"))
        argv = (
            str(self._tools("prometheus")),
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._data}",
            # Also a setting of the configuration file in newer versions; the flag is known to all of 3.x.
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=127.0.0.1:{ports['http']}",
            "--log.level=warn",
            "--web.enable-lifecycle",
            *(() if native else ("--enable-feature=native-histograms",)),
            *(("--web.enable-remote-write-receiver",) if self._receives else ()),
            *(_RELOADING if self._rules else ()),
        )
        return Command(self.part.name, argv, (self._config,))

    def _ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://127.0.0.1:{ports['http']}/-/ready")


def make_blocks(promtool: Path, folder: Path, *openmetrics: Path) -> None:
    """Make blocks of Prometheus' storage out of OpenMetrics files.

    Raises:
        ClusterError: promtool refuses a file.

    """
    for file in openmetrics:
        argv = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        argv += [f"--max-block-duration={BLOCK_DURATION}", str(file), str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"promtool makes no blocks of {file}: {done.stderr.strip()}")


def render_config(scrape_interval: str, targets: Path, *, native_histograms: bool) -> dict[str, Any]:
    """Make the configuration: every target that a JSON file in `targets` names, and no rules."""
    overall: dict[str, Any] = {"scrape_interval": scrape_interval, "evaluation_interval": scrape_interval}
    # A scrape may not time out later than the next one begins.
    overall["scrape_timeout"] = scrape_interval
    if native_histograms:
        overall["scrape_native_histograms"] = True
    found = {"files": [f"{targets}/*.json"], "refresh_interval": "5s"}
    return {"global": overall, "scrape_configs": [{"job_name": "targets", "file_sd_configs": [found]}]}


@functools.cache
def _knows_native_histograms(promtool: Path) -> bool:
    """Ask promtool whether native histograms are a setting (3.8 and newer) rather than a feature flag."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"global": {"scrape_native_histograms": True}}, file)
        file.flush()
        argv = [str(promtool), "check", "config", "--syntax-only", file.name]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
