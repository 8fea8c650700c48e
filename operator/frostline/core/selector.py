"""PromQL selectors as users write them, parsed; no text of theirs reaches a query unparsed."""

import re
import sys
from dataclasses import dataclass, replace
from typing import Final

import promql_parser

_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Pairs and no mapping: the parser's enumeration cannot be hashed.
_OPERATORS: Final = (
    (promql_parser.MatchOp.Equal, "="),
    (promql_parser.MatchOp.NotEqual, "!="),
    (promql_parser.MatchOp.Re, "=~"),
    (promql_parser.MatchOp.NotRe, "!~"),
)


def quote(text: str) -> str:
    r"""Return `text` as a PromQL string literal in double quotes; backslash, quote and newline escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher: `operator` is one of =, !=, =~, !~."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quote(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector: a metric name and its matchers, printed with our own quoting."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        if not self.matchers:
            return self.metric
        return f"{self.metric}{{{','.join(map(str, self.matchers))}}}"

    def named(self, metric: str) -> "Selector":
        """Return the same matchers on another metric."""
        return replace(self, metric=metric)

    def where(self, *matchers: Matcher) -> "Selector":
        """Return the selector narrowed by `matchers`."""
        return replace(self, matchers=(*self.matchers, *matchers))


def _operator(operator: promql_parser.MatchOp) -> str:
    return next(spelling for known, spelling in _OPERATORS if known == operator)


def parse_selector(text: str) -> Selector:
    """Return the selector that `text` spells.

    Raises:
        ValueError: the text is not PromQL, or is more than one plain selector with a metric name.
    """
    try:
        parsed = promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(f"not valid PromQL: {error}") from None
    if not isinstance(parsed, promql_parser.VectorSelector):
        raise ValueError(  # noqa: TRY004 - it is the text that is wrong
            'must be one selector such as http_requests_total{job="web"}, without functions, ranges or operators'
        )
    if parsed.offset is not None or parsed.at is not None:
        raise ValueError("must not carry offset or @: the operator chooses the time of evaluation")
    if parsed.matchers.or_matchers:
        raise ValueError('must not join matchers with "or": use a regular expression such as code=~"4..|5.."')
    matchers = []
    metric = parsed.name or ""
    for matcher in parsed.matchers.matchers:
        if matcher.name == "__name__" and matcher.op == promql_parser.MatchOp.Equal:
            if metric:
                raise ValueError(f'must not set the metric name twice, to "{metric}" and "{matcher.value}"')
            metric = matcher.value
            continue
        if not _LABEL_NAME.fullmatch(matcher.name) or matcher.name == "__name__":
            raise ValueError(f'label name "{matcher.name}" is not served: use letters, digits and underscores')
        # Ten thousand selectors ask for the same few labels.
        matchers.append(Matcher(sys.intern(matcher.name), _operator(matcher.op), matcher.value))
    if not _METRIC_NAME.fullmatch(metric):
        raise ValueError('must begin with a metric name, such as http_requests_total{job="web"}')
    if parsed.name is None and not _is_plain_name(metric):
        raise ValueError(f'metric name "{metric}" is not served: PromQL reads it as a keyword or a number')
    return Selector(sys.intern(metric), tuple(matchers))


def _is_plain_name(metric: str) -> bool:
    try:
        return isinstance(promql_parser.parse(metric), promql_parser.VectorSelector)
    except ValueError:
        return False
