"""A fleet of mixed kinds on live series: objectives, the workloads that some protect, what their services expose."""

import math
from typing import Any, Final

NAMESPACE: Final = "bench"
JOB: Final = "scale"
PROTECT_EVERY: Final = 30
KINDS: Final = 20
_PER_SECOND: Final = 2_000.0
"""So many events that a single one moves no budget: what is right is not a matter of chance."""
_BAD: Final = 0.0002
_AGE_S: Final = 20.0
_WINDOWS: Final = (
    {"rolling": "30d"},
    {"rolling": "28d"},
    {"rolling": "7d"},
    {"calendar": "Month", "timeZone": "Europe/Berlin"},
)


def manifest(number: int) -> dict[str, Any]:
    """Return one objective; each is the only one on its service."""
    spec: dict[str, Any] = {
        "owner": f"team-{number % 40}",
        "tier": 1 + number % 3,
        "rationale": "what a benchmark needs",
        "indicator": _indicator(number),
        "objective": {"target": 99.9 if number % 3 else 99.5},
        "window": _WINDOWS[number // KINDS % len(_WINDOWS)],
        "review": {"every": "90d", "last": "2026-09-01"},
    }
    if number % KINDS == KINDS - 1:
        spec["budgeting"] = {"method": "Timeslices", "sliceLength": "1m", "sliceTarget": 99}
    if number % PROTECT_EVERY == 0:
        spec["protects"] = [{"kind": "Deployment", "name": f"service-{number}"}]
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": f"slo-{number}", "namespace": NAMESPACE},
        "spec": spec,
    }


def _indicator(number: int) -> dict[str, Any]:
    where = f'job="{JOB}",service="{number}"'
    match number % KINDS:
        case 0 | 1 | 2 | 3 | 4 | 5:
            bad, valid = f'http_requests_total{{{where},code=~"5.."}}', f"http_requests_total{{{where}}}"
            return {"category": "Availability", "ratio": {"bad": bad, "valid": valid}}
        case 6 | 7 | 8 | 9 | 19:
            good, valid = f'answers_total{{{where},kind="full"}}', f"answers_total{{{where}}}"
            return {"category": "Quality", "ratio": {"good": good, "valid": valid}}
        case 10 | 11 | 12 | 13 | 14:
            histogram = f"http_request_duration_seconds{{{where}}}"
            return {"category": "Latency", "latency": {"histogram": histogram, "threshold": "300ms"}}
        case 15 | 16:
            good, valid = f'records_total{{{where},outcome="processed"}}', f"records_total{{{where}}}"
            return {"category": "Coverage", "ratio": {"good": good, "valid": valid}}
        case 17:
            return {"category": "Saturation", "threshold": {"gauge": f"queue_length{{{where}}}", "bound": 100}}
        case _:
            stamp = f"index_built_timestamp_seconds{{{where}}}"
            return {"category": "Freshness", "freshness": {"timestamp": stamp, "within": "10m"}}


def deployment(number: int) -> dict[str, Any]:
    """Return the workload that an objective protects, without pods."""
    labels = {"app": f"service-{number}"}
    container = {"name": "service", "image": "registry.example/service:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"service-{number}", "namespace": NAMESPACE},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


class Counters:
    """What all services expose at a moment; from `degrade` on half of them have `factor` times as many bad events."""

    def __init__(self, services: int, since: float) -> None:
        self._services = services
        self._pieces = [(since, 1.0)]

    def degrade(self, at: float, factor: float) -> None:
        """Change how bad it is from epoch second `at` on."""
        self._pieces.append((at, factor))

    def text(self, now: float) -> str:
        """Return what is exposed at epoch second `now`."""
        valid = math.floor(_PER_SECOND * (now - self._pieces[0][0]))
        ends = [*(begin for begin, _ in self._pieces[1:]), now]
        weighed = sum(factor * max(0.0, end - begin) for (begin, factor), end in zip(self._pieces, ends, strict=True))
        calm = math.floor(_PER_SECOND * _BAD * (now - self._pieces[0][0]))
        worse = min(math.floor(_PER_SECOND * _BAD * weighed), valid)
        factor = self._pieces[-1][1]
        lines = []
        for number in range(self._services):
            if number // KINDS % 2:
                lines += _lines(number, valid, worse, now, factor)
            else:
                lines += _lines(number, valid, calm, now, 1.0)
        return "\n".join([*lines, ""])


def _lines(number: int, valid: int, bad: int, now: float, factor: float) -> list[str]:
    where = f'service="{number}"'
    match number % KINDS:
        case 0 | 1 | 2 | 3 | 4 | 5:
            name, good_label, bad_label = "http_requests_total", 'code="200"', 'code="503"'
        case 6 | 7 | 8 | 9 | 19:
            name, good_label, bad_label = "answers_total", 'kind="full"', 'kind="degraded"'
        case 10 | 11 | 12 | 13 | 14:
            name = "http_request_duration_seconds"
            return [
                f'{name}_bucket{{{where},le="0.3"}} {valid - bad}',
                f'{name}_bucket{{{where},le="+Inf"}} {valid}',
                f"{name}_count{{{where}}} {valid}",
            ]
        case 15 | 16:
            name, good_label, bad_label = "records_total", 'outcome="processed"', 'outcome="lost"'
        case 17:
            return [f"queue_length{{{where}}} {_AGE_S * factor:g}"]
        case _:
            return [f"index_built_timestamp_seconds{{{where}}} {now - _AGE_S * factor * factor:.0f}"]
    return [f"{name}{{{where},{good_label}}} {valid - bad}", f"{name}{{{where},{bad_label}}} {bad}"]
