"""From the manifest of a PrometheusSource to one that can be asked, or to the reasons why not.

What the API server refuses by the CEL rules of the CRD is said again here, as in `refusals`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from frostline.api.accept import Invalid
from frostline.api.source import (
    HEADER_PATTERN,
    OFFSET_PATTERN,
    RESERVED_HEADERS,
    SECONDS_PATTERN,
    URL_PATTERN,
    VALUE_PATTERN,
    Flavor,
    Header,
    SourceSpec,
)
from frostline.api.wording import told

PARAMETERS: Final[Mapping[Flavor, Mapping[str, str]]] = {
    Flavor.PROMETHEUS: {},
    Flavor.THANOS: {"partial_response": "false", "dedup": "true", "max_source_resolution": "0s"},
    Flavor.MIMIR: {},
    Flavor.VICTORIA_METRICS: {"deny_partial_response": "1"},
}
"""What is sent with every query so that part of an answer is refused. Mimir never gives parts of answers."""

_OFFSETS: Final[Mapping[Flavor, int]] = {Flavor.VICTORIA_METRICS: 30}
"""Seconds after which samples can be read, where that is longer than elsewhere."""
_MOST_LABELS: Final = 20


@dataclass(frozen=True, slots=True)
class AcceptedSource:
    """A PrometheusSource whose manifest is in order."""

    spec: SourceSpec

    def offset_s(self, usual: int) -> int:
        """Return how far behind its own time to evaluate, in seconds; `usual` is the operator's."""
        if self.spec.query_offset is not None:
            return seconds(self.spec.query_offset)
        return max(usual, _OFFSETS.get(self.spec.flavor, 0))

    def is_for(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Return whether objectives of a namespace with these labels may be measured here."""
        selector = self.spec.namespace_selector
        if selector is None:
            return not self.spec.namespaces or namespace in self.spec.namespaces
        selected = all(labels.get(name) == value for name, value in selector.match_labels.items())
        return selected or namespace in self.spec.namespaces


def seconds(text: str) -> int:
    """Return the seconds of a text such as 20s that was found to be in order."""
    return int(text.removesuffix("s"))


def accept_source(manifest_spec: Any) -> AcceptedSource | Invalid:  # noqa: ANN401 - anything can stand in a manifest
    """Judge the `spec` of a PrometheusSource as the API server holds it."""
    try:
        spec = SourceSpec.model_validate(manifest_spec)
    except ValidationError as error:
        return Invalid(tuple(told(problem, SourceSpec) for problem in error.errors(include_url=False)))
    problems = tuple(_refusals(spec))
    return Invalid(problems) if problems else AcceptedSource(spec)


def _refusals(spec: SourceSpec) -> Iterator[str]:
    if not re.fullmatch(URL_PATTERN, spec.url):
        # Not repeated: what stands before an @ may be a password.
        yield "spec.url: must be a URL of http or https without user, query and fragment"
    elif spec.tls is not None and not spec.url.startswith("https://"):
        yield "spec: tls needs a URL of https"
    if spec.auth is not None and (spec.auth.bearer is None) == (spec.auth.basic is None):
        yield "spec.auth: give exactly one of bearer and basic"
    ca = None if spec.tls is None else spec.tls.ca
    if ca is not None and (ca.secret is None) == (ca.config_map is None):
        yield "spec.tls.ca: give exactly one of secret and configMap"
    for index, header in enumerate(spec.headers):
        yield from _header(f"spec.headers.{index}", header)
    names = [each.name.lower() for each in spec.headers]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"spec.headers: {twice} is there twice"
    for field, text in (("connect", spec.timeouts.connect), ("answer", spec.timeouts.answer)):
        if not re.fullmatch(SECONDS_PATTERN, text):
            yield f'spec.timeouts.{field}: must be whole seconds from 1s to 120s, such as 20s, not "{text}"'
    if spec.query_offset is not None and not re.fullmatch(OFFSET_PATTERN, spec.query_offset):
        yield f'spec.queryOffset: must be whole seconds up to 999s, such as 30s, not "{spec.query_offset}"'
    selector = spec.namespace_selector
    if selector is not None and not 1 <= len(selector.match_labels) <= _MOST_LABELS:
        yield f"spec.namespaceSelector.matchLabels: must have from 1 to {_MOST_LABELS} labels"


def _header(field: str, header: Header) -> Iterator[str]:
    if (header.value is None) == (header.secret is None):
        yield f"{field}: give exactly one of value and secret"
    if not re.fullmatch(HEADER_PATTERN, header.name):
        yield f"{field}.name: must be letters, digits and hyphens, such as X-Scope-OrgID"
    elif header.name.lower() in RESERVED_HEADERS:
        yield f"{field}.name: {header.name} is a header of the connection itself, or has a field of its own (auth)"
    if header.value is not None and not re.fullmatch(VALUE_PATTERN, header.value):
        yield f"{field}.value: must be one line of printable ASCII"
