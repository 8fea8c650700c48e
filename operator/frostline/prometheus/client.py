"""The connection to Prometheus: prometheus-api-client's session, with time-outs, warnings and answers checked."""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

import orjson
import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.connection import Connection, FileAuth, Redaction
from frostline.prometheus.evaluations import RulePage, rule_page
from frostline.prometheus.tls import ContextAdapter, client_context

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_DETAIL_CHARACTERS: Final = 300
_VERSION_CHARACTERS: Final = 64
_CHUNK_BYTES: Final = 1 << 16
_PAGE_GROUPS: Final = 100
"""Groups of one page of rules: two megabytes, where all of ten thousand promises are forty."""
_FAILURES: Final[Mapping[int, Failure]] = {
    400: Failure.BAD_QUERY,
    401: Failure.REFUSED,
    403: Failure.REFUSED,
    413: Failure.TOO_MUCH,
    422: Failure.TOO_MUCH,
}


class Series(NamedTuple):
    """One series of an answer: its labels and its (epoch seconds, value) points.

    Points that were NaN or infinite are left out and counted in `broken`.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer without warnings."""

    series: tuple[Series, ...]


Asked = Answer | Partial | Failed
Found = TypeVar("Found")
Observe = Callable[[str, float], None]


class PrometheusClient:
    """Asks one Prometheus. Blocking: call it in a thread. Every answer is checked before it is believed."""

    def __init__(
        self, connection: Connection, observe: Observe = lambda _outcome, _seconds: None, *, connections: int = 10
    ) -> None:
        """Prepare a session; nothing is sent. `observe` is told the outcome and the seconds of each query.

        Raises:
            frostline.prometheus.tls.UnfitError: its certificates cannot be used.
        """
        session = requests.Session()
        session.verify = str(connection.ca_file) if connection.ca_file else True
        session.auth = FileAuth(connection)
        session.headers.update(connection.headers)
        # A proxy or a netrc of the environment must not see the credentials of the configuration.
        session.trust_env = False
        self._url = connection.url.rstrip("/")
        # No retries inside a query: a cycle that fails holds, and the next one asks again.
        never = Retry(total=0, redirect=0)
        self._connect = PrometheusConnect(url=self._url, session=session, retry=never, method="POST")
        self._session = session
        self._session.mount("https://", HTTPAdapter(max_retries=never))
        self._session.mount(self._url, _adapter(connection, never, connections))
        self._parameters = dict(connection.parameters)
        self._redacted = Redaction(connection.secrets)
        self._timeout = (connection.connect_timeout_s, connection.read_timeout_s)
        self._observe = observe
        # Answers of ten thousand series are tens of megabytes once read: they may come together, and are read in turn.
        self._reading = threading.Lock()

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._url

    def close(self) -> None:
        """Close the session's connections."""
        self._connect.close()

    def version(self) -> str | Failed:
        """Return what it says that it is, such as "Prometheus 3.5.0"."""
        found = self._document("GET", "status/buildinfo", {})
        if isinstance(found, Failed):
            return replace(found, detail=self._redacted(found.detail))
        data = found.get("data")
        if not isinstance(data, dict) or not isinstance(data.get("version"), str) or not data["version"]:
            return Failed(Failure.NOT_PROMETHEUS, f"{self._url} does not say which version it is")
        application = data.get("application")
        named = f"{application} {data['version']}" if isinstance(application, str) else data["version"]
        return self._redacted(_short(named)[:_VERSION_CHARACTERS])

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate `query` at epoch second `at`; every series has one point."""
        return self._ask("query", {"query": query, "time": _number(at)})

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate `query` at start, start + step, … up to end, all epoch seconds."""
        return self._ask(
            "query_range",
            {"query": query, "start": _number(start), "end": _number(end), "step": str(step_s)},
        )

    def now(self) -> float | Partial | Failed:
        """Return Prometheus's own time, epoch seconds: the only clock that measuring goes by."""
        asked = self._ask("query", {"query": "time()"})
        if not isinstance(asked, Answer):
            return asked
        if not asked.series or not asked.series[0].points:
            return Failed(Failure.NOT_PROMETHEUS, f"{self._url} answered time() with nothing")
        return asked.series[0].points[0][1]

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Partial | Failed:
        """Return what Prometheus says of the recording rules of these names: a page, the first or the one of `then`."""
        token = {"group_next_token": then} if then else {}
        found = self._rules(names, {"group_limit": str(_PAGE_GROUPS), **token})
        # Where a server keeps to the limit and does not say how to go on, as VictoriaMetrics may, the rest is unseen.
        if isinstance(found, RulePage) and found.groups == _PAGE_GROUPS and not (then or found.then):
            return self._rules(names, {})
        return found

    def _rules(self, names: Sequence[str], part: Mapping[str, str]) -> RulePage | Partial | Failed:
        # Servers that do not know how to filter, or of no pages, answer with all.
        asked = urlencode({"type": "record", "rule_name[]": list(names), **part}, doseq=True)
        return self._observed(lambda: self._read("GET", f"rules?{asked}", {}, lambda data: rule_page(data, names)))

    def _ask(self, path: str, form: Mapping[str, str]) -> Asked:
        return self._observed(lambda: self._read("POST", path, {**form, **self._parameters}, _answer))

    def _observed(self, ask: Callable[[], Found | Partial | Failed]) -> Found | Partial | Failed:
        begun = time.monotonic()
        asked = self._silent(ask())
        outcome = asked.failure.value if isinstance(asked, Failed) else "answered"
        self._observe("partial" if isinstance(asked, Partial) else outcome, time.monotonic() - begun)
        return asked

    def _read(
        self, method: str, path: str, form: Mapping[str, str], read: Callable[[Mapping[str, Any]], Found]
    ) -> Found | Partial | Failed:
        what, answer = f"{self._url}/api/v1/{path}", self._sent(method, path, form)
        if isinstance(answer, Failed):
            return answer
        with self._reading:
            return _whole(what, _parse(what, *answer), read)

    def _document(self, method: str, path: str, form: Mapping[str, str]) -> Mapping[str, Any] | Failed:
        answer = self._sent(method, path, form)
        return answer if isinstance(answer, Failed) else _parse(f"{self._url}/api/v1/{path}", *answer)

    def _sent(self, method: str, path: str, form: Mapping[str, str]) -> tuple[int, bytearray] | Failed:
        what = f"{self._url}/api/v1/{path}"
        try:
            with self._session.request(
                method, what, data=form, timeout=self._timeout, allow_redirects=False, stream=True
            ) as response:
                body = _read(response, time.monotonic() + self._timeout[1])
        except (requests.Timeout, ReadTimeoutError):
            return Failed(Failure.TIMEOUT, f"{what} did not answer within {self._timeout[1]:g} s")
        except (requests.RequestException, HTTPError) as error:
            return Failed(Failure.UNREACHABLE, f"{what} cannot be reached: {_short(str(error))}")
        except OSError as error:
            return Failed(Failure.REFUSED, f"credentials for {what} cannot be read: {error}")
        if body is None:
            return Failed(Failure.TOO_MUCH, f"{what} answered with more than {MAX_ANSWER_BYTES >> 20} MiB")
        return response.status_code, body

    def _silent(self, asked: Found | Partial | Failed) -> Found | Partial | Failed:
        """Return an answer whose words repeat no secret: a server may echo what it was sent."""
        if isinstance(asked, Failed):
            return replace(asked, detail=self._redacted(asked.detail))
        if isinstance(asked, Partial):
            return replace(asked, warnings=tuple(map(self._redacted, asked.warnings)))
        return asked


def _adapter(connection: Connection, never: Retry, connections: int) -> HTTPAdapter:
    if connection.ca is None and connection.client_certificate is None:
        return HTTPAdapter(max_retries=never, pool_maxsize=connections)
    context = client_context(connection.ca, connection.client_certificate)
    return ContextAdapter(context, max_retries=never, pool_maxsize=connections)


def _read(response: requests.Response, deadline: float) -> bytearray | None:
    """Return the body, or None when it is too large.

    Raises:
        requests.Timeout: it was not all there at `deadline` (monotonic); a time-out of sockets begins anew
            with every byte that drips in.
    """
    body = bytearray()
    # As it comes in: iter_content waits until a whole chunk is there.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
        if time.monotonic() > deadline:
            raise requests.Timeout
    return body


def _parse(what: str, status: int, body: bytearray) -> Mapping[str, Any] | Failed:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if status != requests.codes.ok:
        return Failed(_FAILURES.get(status, Failure.SERVER_ERROR), f"{what} answered {status}: {_why(document, body)}")
    if not isinstance(document, dict) or document.get("status") != "success":
        return Failed(Failure.NOT_PROMETHEUS, f"{what} gave no answer of the Prometheus API: {_why(document, body)}")
    return document


def _whole(
    what: str, document: Mapping[str, Any] | Failed, read: Callable[[Mapping[str, Any]], Found]
) -> Found | Partial | Failed:
    """Return the answer in a document, if it is the whole answer."""
    if isinstance(document, Failed):
        return document
    warnings = document.get("warnings")
    if warnings:
        return Partial(tuple(_short(str(warning)) for warning in warnings))
    try:
        return read(document["data"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Failed(
            Failure.NOT_PROMETHEUS,
            f"{what} gave an answer of another shape: {type(error).__name__} {_short(str(error))}",
        )


def _answer(data: Mapping[str, Any]) -> Answer:
    kind, result = data["resultType"], data["result"]
    rows: list[tuple[Mapping[str, str], list[tuple[float, str]]]]
    if kind == "scalar":
        rows = [({}, [result])]
    elif kind == "vector":
        rows = [(row["metric"], [row["value"]]) for row in result]
    elif kind == "matrix":
        rows = [(row["metric"], row["values"]) for row in result]
    else:
        raise ValueError(f"result type {kind!r}")
    times = [float(when) for _, raw in rows for when, _ in raw]
    values = [float(value) for _, raw in rows for _, value in raw]
    if not all(map(math.isfinite, times)) or not all(isinstance(labels, dict) for labels, _ in rows):
        raise ValueError("a series without labels or times")
    # Tens of thousands at once: what is in order is not looked at one by one.
    points = zip(times, values, strict=True)
    series = (Series(labels, tuple(islice(points, len(raw)))) for labels, raw in rows)
    return Answer(tuple(series if all(map(math.isfinite, values)) else map(_finite, series)))


def _finite(series: Series) -> Series:
    finite = tuple(filter(_is_finite, series.points))
    return Series(series.labels, finite, len(series.points) - len(finite))


def _is_finite(point: tuple[float, float]) -> bool:
    return math.isfinite(point[1])


def _why(document: object, body: bytearray) -> str:
    if isinstance(document, dict) and "error" in document:
        return _short(str(document["error"]))
    return _short(body.decode("utf-8", errors="replace")) or "an empty body"


def _short(text: str) -> str:
    """Return one printable line of a text that may come from anybody."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _DETAIL_CHARACTERS else line[:_DETAIL_CHARACTERS] + "…"


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
