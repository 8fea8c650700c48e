"""A PrometheusSource: where objectives are measured, who may use it, and what proves who we are."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from frostline.api.base import NUMBER, Model, cel
from frostline.api.status import ConditionStatus

Name = Annotated[str, Field(min_length=1, max_length=253)]
Key = Annotated[str, Field(min_length=1, max_length=253)]

URL_PATTERN: Final = r"^https?://[^/?#@\s]+(/[^?#\s]*)?$"
SECONDS_PATTERN: Final = "^([1-9]|[1-9][0-9]|1[01][0-9]|120)s$"
OFFSET_PATTERN: Final = "^(0|[1-9][0-9]{0,2})s$"
HEADER_PATTERN: Final = "^[A-Za-z0-9-]{1,64}$"
VALUE_PATTERN: Final = "^[ -~]+$"

RESERVED_HEADERS: Final = (
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers of one connection, of the body, or of credentials that have a field of their own."""


def _matches(pattern: str) -> str:
    return "self.matches('" + pattern.replace("\\", "\\\\") + "')"


class Flavor(StrEnum):
    """What answers: each has its own way to be told that part of an answer is no answer."""

    PROMETHEUS = "Prometheus"
    THANOS = "Thanos"
    MIMIR = "Mimir"
    VICTORIA_METRICS = "VictoriaMetrics"


class Measuring(StrEnum):
    """How events are counted there."""

    DIRECT = "Direct"
    RECORDED = "Recorded"


class TokenKey(Model):
    """A bearer token in a Secret."""

    name: Name = Field(description="Name of the Secret, in the operator's own namespace.")
    key: Key = Field(default="token", description="Key of the Secret.")


class BasicKeys(Model):
    """A user name and a password in a Secret."""

    name: Name = Field(description="Name of the Secret, in the operator's own namespace.")
    username_key: Key = Field(default="username", description="Key of the Secret that holds the user name.")
    password_key: Key = Field(default="password", description="Key of the Secret that holds the password.")


class CertificateKey(Model):
    """Certificates (PEM) in a Secret or a ConfigMap."""

    name: Name = Field(description="Name of the object, in the operator's own namespace.")
    key: Key = Field(default="ca.crt", description="Key of the object.")


class ValueKey(Model):
    """A text in a Secret."""

    name: Name = Field(description="Name of the Secret, in the operator's own namespace.")
    key: Key = Field(description="Key of the Secret.")


class Auth(Model):
    """What is sent as Authorization."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.bearer) != has(self.basic)", "give exactly one of bearer and basic"))
    )

    bearer: TokenKey | None = Field(default=None, description=TokenKey.__doc__)
    basic: BasicKeys | None = Field(default=None, description=BasicKeys.__doc__)


class Authority(Model):
    """Whose certificates are trusted, in place of the public authorities."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.secret) != has(self.configMap)", "give exactly one of secret and configMap"))
    )

    secret: CertificateKey | None = Field(default=None, description="Certificates (PEM) in a Secret.")
    config_map: CertificateKey | None = Field(default=None, description="Certificates (PEM) in a ConfigMap.")


class ClientCertificate(Model):
    """A certificate that proves who we are, in a Secret of type kubernetes.io/tls (keys tls.crt and tls.key)."""

    name: Name = Field(description="Name of the Secret, in the operator's own namespace.")


class Tls(Model):
    """Trust and proof in the handshake."""

    ca: Authority | None = Field(default=None, description=Authority.__doc__)
    client_certificate: ClientCertificate | None = Field(default=None, description=ClientCertificate.__doc__)


class Header(Model):
    """A header of every request, such as X-Scope-OrgID."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.value) != has(self.secret)", "give exactly one of value and secret"))
    )

    name: Annotated[
        str,
        Field(
            max_length=64,
            json_schema_extra=cel(
                (_matches(HEADER_PATTERN), "must be letters, digits and hyphens, such as X-Scope-OrgID"),
                (
                    f"!(self.lowerAscii() in {list(RESERVED_HEADERS)})",
                    "is a header of the connection itself, or has a field of its own (auth)",
                ),
            ),
        ),
    ] = Field(description="Name of the header; not Authorization, Host, Cookie or one of the connection itself.")
    value: (
        Annotated[
            str,
            Field(
                max_length=1024, json_schema_extra=cel((_matches(VALUE_PATTERN), "must be one line of printable ASCII"))
            ),
        ]
        | None
    ) = Field(default=None, description="Its value, for all to read who may read this object.")
    secret: ValueKey | None = Field(default=None, description="Its value, in a Secret.")


_SECONDS: Final = (_matches(SECONDS_PATTERN), "must be whole seconds from 1s to 120s, such as 20s")
Seconds = Annotated[str, Field(max_length=8, json_schema_extra=cel(_SECONDS))]


class Timeouts(Model):
    """How long to wait."""

    connect: Seconds = Field(default="5s", description="For a connection, from 1s to 120s.")
    answer: Seconds = Field(default="20s", description="For a whole answer, from 1s to 120s.")


class NamespaceSelector(Model):
    """Namespaces by their labels."""

    match_labels: dict[str, Annotated[str, Field(max_length=63)]] = Field(
        description="Labels that a namespace must carry, all of them.",
        json_schema_extra={"minProperties": 1, "maxProperties": 20},
    )


class SourceSpec(Model):
    """Where objectives are measured. Whoever may write it decides which Secrets of the operator are sent where."""

    model_config = ConfigDict(
        json_schema_extra=cel(("!has(self.tls) || self.url.startsWith('https://')", "tls needs a URL of https"))
    )

    url: Annotated[
        str,
        Field(
            max_length=2048,
            json_schema_extra=cel(
                (
                    _matches(URL_PATTERN),
                    "must be a URL of http or https without user, query and fragment, such as"
                    " https://prometheus.monitoring:9090",
                )
            ),
        ),
    ] = Field(description="Base URL of the Prometheus API, with the path prefix if it has one, without /api/v1.")
    flavor: Flavor = Field(
        default=Flavor.PROMETHEUS,
        description="Prometheus, Thanos, Mimir or VictoriaMetrics: how to ask for whole answers only.",
    )
    namespaces: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(
        default_factory=list,
        description="Namespaces whose objectives may be measured here; all if empty and without a selector.",
    )
    namespace_selector: NamespaceSelector | None = Field(
        default=None, description="Further namespaces, by labels that only trusted people may set."
    )
    measuring: Measuring = Field(
        default=Measuring.DIRECT, description="Direct: raw counters are read. Recorded: our recording rules are."
    )
    auth: Auth | None = Field(default=None, description=Auth.__doc__)
    tls: Tls | None = Field(default=None, description=Tls.__doc__)
    headers: Annotated[
        list[Header],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default_factory=list, description="Headers of every request, such as that of a tenant.")
    concurrency: Annotated[int, Field(ge=1, le=64), NUMBER] = Field(
        default=4, description="Questions that are asked at the same time, at most."
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description=Timeouts.__doc__)
    query_offset: (
        Annotated[
            str,
            Field(
                max_length=8,
                json_schema_extra=cel((_matches(OFFSET_PATTERN), "must be whole seconds up to 999s, such as 30s")),
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="How far behind its own time to evaluate; if absent the operator's, for VictoriaMetrics 30s.",
    )


class LastError(Model):
    """What went wrong last."""

    at: datetime = Field(description="When it was first seen.")
    message: Annotated[str, Field(max_length=1024)] = Field(description="What was asked, of whom, what came back.")


class SourceDisplay(Model):
    """What kubectl get shows."""

    healthy: str = Field(description="Yes, or why not.")


class SourceStatus(Model):
    """Whether it answers, and for how many."""

    observed_generation: int | None = Field(default=None, description="Generation that this status is of.")
    objectives: int = Field(default=0, description="Objectives that are measured by it.")
    version: str | None = Field(default=None, description="What it says that it is.")
    last_error: LastError | None = Field(default=None, description=LastError.__doc__)
    display: SourceDisplay | None = Field(default=None, description=SourceDisplay.__doc__)
    conditions: Annotated[list[ConditionStatus], Field(max_length=8)] = Field(
        default_factory=list,
        description="Accepted: manifest and credentials are in order. Reachable: it answers.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
