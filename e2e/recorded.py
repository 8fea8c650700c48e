"""A Prometheus that has evaluated the rules of objectives for as long as their histories go back."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from e2e.cluster.cluster import Cluster
from e2e.cluster.prometheus import Prometheus
from e2e.histories import GaugeSeries, openmetrics
from e2e.remote_write import push
from e2e.truth import Promise
from frostline.api.accept import Accepted, accept
from frostline.core.rule_files import RuleFile, rule_files
from frostline.core.rules import Promise as Promised
from frostline.core.rules import Rule
from frostline.names import Recorded

_PHASE = 17


def rules_of(namespace: str, promises: Mapping[str, Promise]) -> tuple[RuleFile, ...]:
    """Return the rules of objectives of a namespace."""
    found = []
    for name, promise in promises.items():
        accepted = accept(promise.spec)
        assert isinstance(accepted, Accepted), accepted
        found.append(Promised(namespace, name, accepted.objective))
    return rule_files(found).files


@contextmanager
def recording(
    cluster: Cluster, name: str, promises: Mapping[str, Promise], *, past: tuple[int, int] | None
) -> Iterator[tuple[Prometheus, Path]]:
    """Give a Prometheus with all histories, that reads the rules in a folder, and that folder, empty.

    `past`: from when to when rules were evaluated, as they would have been.
    """
    folder = cluster.folder / name
    rules = folder / "rules"
    rules.mkdir(parents=True)
    prometheus = Prometheus(
        folder, cluster.site.tool, cluster.site.supervisor, name=name, receives=True, rules=[rules / "*.yaml"]
    )
    try:
        with tempfile.TemporaryDirectory(dir=cluster.folder) as written:
            history = Path(written) / "history.openmetrics"
            history.write_text(openmetrics(series for promise in promises.values() for series in promise.series))
            prometheus.write_history(history)
            push(prometheus.url, (each for promise in promises.values() for each in promise.histograms))
            if past is not None:
                for rules_of_turn in _turns(rules_of(name, promises)):
                    history.write_text(openmetrics(_evaluated(prometheus, rules_of_turn, *past)))
                    prometheus.write_history(history)
        yield prometheus, rules
    finally:
        prometheus.stop()


def _turns(files: tuple[RuleFile, ...]) -> Iterator[list[tuple[Rule, int]]]:
    """Yield rules, with seconds between evaluations, such that what they read was recorded in a turn before."""
    own = [rule for file in files[1:] for group in file.groups for rule in group.rules]
    hourly = next(group for group in files[0].groups if group.name.endswith("-hourly"))
    yield [(rule, 30) for rule in own if rule.name != Recorded.BAD_5M]
    yield [(rule, 30) for rule in own if rule.name == Recorded.BAD_5M]
    yield [(rule, hourly.interval_s) for rule in hourly.rules]


def _evaluated(prometheus: Prometheus, rules: list[tuple[Rule, int]], start: int, end: int) -> Iterator[GaugeSeries]:
    """Yield what rules record. As in Prometheus they are evaluated a while after full minutes."""
    for rule, every in rules:
        first = start - start % every + _PHASE
        for found in prometheus.range(rule.expression, first, end, every):
            labels = {name: value for name, value in found["metric"].items() if name != "__name__"} | dict(rule.labels)
            times, values = zip(*found["values"], strict=True)
            yield GaugeSeries(
                str(rule.name), labels, np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
            )
