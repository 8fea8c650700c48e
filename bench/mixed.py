"""A fleet of mixed kinds on live series: objectives, the workloads that some protect, what their services expose."""

import math
from dataclasses import dataclass
from typing import Any, Final

NAMESPACE: Final = "bench"
JOB: Final = "scale"
PROTECT_EVERY: Final = 30
KINDS: Final = 20
TIME_ZONE: Final = "Europe/Berlin"
_PER_SECOND: Final = 2_000.0
"""So many events that a single one moves no budget: what is right is not a matter of chance."""
_BAD: Final = 0.0002
_AGE_S: Final = 20.0
_WINDOWS: Final = (
    {"rolling": "30d"},
    {"rolling": "28d"},
    {"rolling": "7d"},
    {"calendar": "Month", "timeZone": TIME_ZONE},
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


def is_sampled(number: int) -> bool:
    """Say whether an objective goes by moments, not by events: by a threshold, an age, or slices of a minute."""
    return number % KINDS >= KINDS - 3


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


@dataclass(frozen=True)
class _Piece:
    """From epoch second `begin` on half of the services below `reach` make `factor` times as many bad events."""

    begin: float
    factor: float
    reach: int


@dataclass(frozen=True)
class Counted:
    """What a service has had until a moment."""

    valid: int
    bad: int
    degraded_s: float
    bursts: int


class Counters:
    """What all services expose at a moment."""

    def __init__(self, services: int, since: float) -> None:
        self._services = services
        self._pieces = [_Piece(since, 1.0, services)]

    def degrade(self, at: float, factor: float, reach: int) -> None:
        """Change how bad it is from epoch second `at` on, for half of the services below `reach`."""
        self._pieces.append(_Piece(at, factor, reach))

    def text(self, now: float) -> str:
        """Return what is exposed at epoch second `now`."""
        lines = []
        known: dict[tuple[float, ...], Counted] = {}
        for number in range(self._services):
            factors = self._factors(number)
            counted = known.get(factors)
            if counted is None:
                counted = known[factors] = self._counted(factors, now)
            lines += _lines(number, counted.valid, counted.bad, now, factors[-1])
        return "\n".join([*lines, ""])

    def counted(self, number: int, now: float) -> Counted:
        """Return what a service has had until epoch second `now`."""
        return self._counted(self._factors(number), now)

    def _factors(self, number: int) -> tuple[float, ...]:
        half = number // KINDS % 2
        return tuple(piece.factor if half and number < piece.reach else 1.0 for piece in self._pieces)

    def _counted(self, factors: tuple[float, ...], now: float) -> Counted:
        begins = [piece.begin for piece in self._pieces]
        lasted = [max(0.0, min(end, now) - begin) for begin, end in zip(begins, [*begins[1:], now], strict=True)]
        valid = math.floor(_PER_SECOND * (now - begins[0]))
        weighed = sum(factor * each for factor, each in zip(factors, lasted, strict=True))
        bursts = [each for factor, each in zip(factors, lasted, strict=True) if factor > 1 and each > 0]
        return Counted(valid, min(math.floor(_PER_SECOND * _BAD * weighed), valid), sum(bursts), len(bursts))


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
