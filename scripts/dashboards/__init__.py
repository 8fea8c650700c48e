"""Grafana dashboards as code: what `make generate` writes into the chart."""

from collections.abc import Mapping

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from scripts.dashboards import fleet, operator, slo


def texts() -> Mapping[str, str]:
    """Return the JSON of each dashboard by its name."""
    made = {"slo": slo.dashboard(), "fleet": fleet.dashboard(), "operator": operator.dashboard()}
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return {name: encoder.encode(each) + "\n" for name, each in made.items()}
