"""The dashboards as files, and their queries as Prometheus would be asked."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.golden import REPOSITORY

FOLDER = REPOSITORY / "charts" / "frostline" / "dashboards"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
CHOSEN = {"namespace": "shop", "name": "checkout", "tier": ".*", "datasource": "prometheus"}
BUILT_IN = {"__rate_interval": "1m", "__range": "10m"}


def read(name: str) -> dict[str, Any]:
    """Return the JSON of a dashboard."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def queries(name: str, chosen: Mapping[str, str] = CHOSEN) -> Iterator[tuple[str, str]]:
    """Yield (panel and reference, PromQL) of a dashboard for a reader who chose these values of variables."""
    for panel in read(name)["panels"]:
        for target in panel["targets"]:
            yield f"{name}: {panel['title']} {target['refId']}", substituted(target["expr"], chosen)


def substituted(text: str, chosen: Mapping[str, str] = CHOSEN) -> str:
    """Return a query as Grafana sends it."""
    for variable, value in {**BUILT_IN, **chosen}.items():
        text = text.replace(f"${variable}", value)
    return text
