"""From a request and a gate to the answer, and to what is kept on record of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import orjson

from frostline.core.gate import Gate
from frostline.core.projection import Template
from frostline.core.verdict import Change, Passed, Refused, Verdict, Why
from frostline.names import AuditAnnotation
from frostline.webhook.review import Review

Judge: TypeAlias = Callable[[Gate | None, Change], Verdict]

ON_RECORD: Final = frozenset({Why.HELD, Why.KEPT, Why.OVERRIDE, Why.BYPASS})
"""What leaves an Event: refusals, and what passes by exception."""

_ID_LENGTH: Final = 8
_DIGEST_LENGTH: Final = 16


class CannotJudgeError(ValueError):
    """The objects in a request are not what an API server holds; the text says what."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one request.

    Attributes:
        identity: short name that the person who is refused reads, too.
        gate: what it was judged by, None when there is none.
        template: digest of the template asked for, where it goes on record.
    """

    identity: str
    review: Review
    change: Change
    gate: Gate | None
    verdict: Verdict
    template: str | None

    @property
    def allowed(self) -> bool:
        """Whether the change may go on."""
        return isinstance(self.verdict, Passed)

    @property
    def override(self) -> str | None:
        """The override that let it pass."""
        return self.verdict.override if isinstance(self.verdict, Passed) else None

    @property
    def sentence(self) -> str | None:
        """What the person who is refused reads."""
        if isinstance(self.verdict, Refused):
            return f"{self.verdict.sentence} (decision {self.identity})"
        return None


def decide(review: Review, change: Change, gate: Gate | None, judge: Judge) -> Decision:
    """Return the decision on a request.

    Raises:
        CannotJudgeError: the templates are not what an API server holds.
    """
    try:
        verdict = judge(gate, change)
        template = _digest(change.new) if verdict.why in ON_RECORD and change.new is not None else None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CannotJudgeError(
            f"{change.workload} is not as an API server holds it: {type(error).__name__} {error}"
        ) from error
    return Decision(review.uid.replace("-", "")[:_ID_LENGTH], review, change, gate, verdict, template)


def _digest(template: Template) -> str:
    """Name a template as it is sent: who asks the same again sends the same."""
    return hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_DIGEST_LENGTH]


def answer(decision: Decision) -> bytes:
    """Return the AdmissionReview that answers a request."""
    verdict = decision.verdict
    response: dict[str, Any] = {
        "uid": decision.review.uid,
        "allowed": decision.allowed,
        "auditAnnotations": {
            AuditAnnotation.DECISION: decision.identity,
            AuditAnnotation.VERDICT: verdict.why,
        },
    }
    if decision.gate is not None:
        workload = decision.gate.workload
        response["auditAnnotations"][AuditAnnotation.GATE] = f"{workload.namespace}/{workload.gate_name}"
    if decision.override is not None:
        response["auditAnnotations"][AuditAnnotation.OVERRIDE] = decision.override
    if isinstance(verdict, Passed) and verdict.warnings:
        response["warnings"] = verdict.warnings
    if isinstance(verdict, Refused):
        response["status"] = {"code": HTTPStatus.FORBIDDEN, "reason": "Forbidden", "message": decision.sentence}
    return _reviewed(response)


def pass_unseen(review: Review) -> bytes:
    """Return the answer to a request about a kind that has no gates."""
    return _reviewed({"uid": review.uid, "allowed": True})


def _reviewed(response: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response},
        # Keys of our vocabulary are a subclass of str.
        option=orjson.OPT_NON_STR_KEYS,
    )
