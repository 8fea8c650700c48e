"""What the API server asks, as a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from frostline.core.gate import Workload
from frostline.core.projection import Template
from frostline.core.verdict import Change, Operation

_API_VERSION: Final = "admission.k8s.io/v1"
_APPS: Final = "apps"
KINDS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class NotAReviewError(ValueError):
    """The body is no AdmissionReview that can be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Review:
    """One request of the API server.

    Attributes:
        uid: names the request; the answer repeats it.
        change: None for a kind that has no gates.
        object_uid: which object of that name it is about; empty for one that is being created.
        dry_run: nothing will be stored whatever the answer is.
    """

    uid: str
    change: Change | None
    object_uid: str
    dry_run: bool


def read(body: bytes) -> Review:
    """Return the request that `body` holds.

    Raises:
        NotAReviewError: it holds none.
    """
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAReviewError(f"the body is no JSON: {error}") from error
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise NotAReviewError("the body is no AdmissionReview")
    if review.get("apiVersion") != _API_VERSION:
        raise NotAReviewError(f"the AdmissionReview is not of {_API_VERSION}, the only version answered here")
    request = _mapping(review.get("request"), "request")
    uid = _text(request.get("uid"), "request.uid")
    if not uid:
        raise NotAReviewError("request.uid is missing")
    old = _optional(request.get("oldObject"), "request.oldObject")
    new = _optional(request.get("object"), "request.object")
    return Review(
        uid=uid,
        change=_change(request, old, new),
        object_uid=_text(_metadata(old or new or {}).get("uid"), "metadata.uid"),
        dry_run=request.get("dryRun") is True,
    )


def _change(request: Mapping[str, Any], old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change | None:
    kind = _mapping(request.get("kind"), "request.kind")
    if kind.get("group") != _APPS or kind.get("kind") not in KINDS:
        return None
    asked = _text(request.get("operation"), "request.operation")
    try:
        operation = Operation(asked)
    except ValueError:
        # CONNECT, and what may come.
        return None
    user = _mapping(request.get("userInfo"), "request.userInfo")
    # A generated name is not in the request yet.
    name = request.get("name") or _metadata(new or {}).get("name")
    return Change(
        workload=Workload(
            _text(request.get("namespace"), "request.namespace"), kind["kind"], _text(name, "request.name")
        ),
        operation=operation,
        old=None if old is None else _template(old, "request.oldObject"),
        new=None if new is None else _template(new, "request.object"),
        user=_text(user.get("username"), "request.userInfo.username"),
        groups=frozenset(_text(each, "request.userInfo.groups") for each in _list(user.get("groups"))),
        times=tuple(_times(_metadata(new or {}))),
        terminating=_metadata(old or new or {}).get("deletionTimestamp") is not None,
    )


def _template(workload: Mapping[str, Any], where: str) -> Template:
    return _mapping(_mapping(workload.get("spec"), f"{where}.spec").get("template"), f"{where}.spec.template")


def _times(metadata: Mapping[str, Any]) -> Iterator[float]:
    for entry in _list(metadata.get("managedFields")):
        time = entry.get("time") if isinstance(entry, dict) else None
        if isinstance(time, str):
            try:
                read_time = datetime.fromisoformat(time)
            except ValueError:
                continue
            # Without an offset it would be read as the time of this machine's zone.
            yield (read_time if read_time.tzinfo else read_time.replace(tzinfo=UTC)).timestamp()


def _metadata(workload: Mapping[str, Any]) -> Mapping[str, Any]:
    return _optional(workload.get("metadata"), "metadata") or {}


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotAReviewError(f"{where} is missing or no object")
    return value


def _optional(value: object, where: str) -> Mapping[str, Any] | None:
    return None if value is None else _mapping(value, where)


def _list(value: object) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise NotAReviewError("a list is expected where there is none")
    return value or []


def _text(value: object, where: str) -> str:
    if value is not None and not isinstance(value, str):
        raise NotAReviewError(f"{where} is no text")
    return value or ""
