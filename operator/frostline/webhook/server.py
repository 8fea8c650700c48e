"""The HTTP server that the API server asks; the way of a request does no I/O but its answer."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from frostline.names import WEBHOOK_PATH
from frostline.webhook.audit import Audit
from frostline.webhook.decision import CannotJudgeError, Judge, answer, decide, pass_unseen
from frostline.webhook.index import Index
from frostline.webhook.metrics import Instruments
from frostline.webhook.review import NotAReviewError, read

LARGEST_BODY: Final = 8 * 1024 * 1024
"""The API server takes objects of 3 MB; a review holds the old one as well."""

_LARGE_BODY: Final = 256 * 1024
_LARGE_AT_ONCE: Final = 4
_BODY_S: Final = 3.0
_JSON: Final = "application/json"

CONNECTIONS: Final[Mapping[str, Any]] = {
    # The API server closes its idle connections after 90 s; closed by us, one might just be taken for a request.
    "keepalive_timeout": 120.0,
    # How long the rest of a body that is too large is read and thrown away, so that the answer arrives.
    "lingering_time": 2.0,
    # A small body may unpack to any size.
    "auto_decompress": False,
}
"""How connections are kept; parameters of aiohttp's server."""


class _NoBodyError(Exception):
    """The body of a request is not taken; status and text of the answer."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Webhook:
    """Answers reviews.

    Args:
        serving: says whether the index is complete; before that nothing is judged.
    """

    def __init__(
        self, *, index: Index, judge: Judge, audit: Audit, instruments: Instruments, serving: Callable[[], bool]
    ) -> None:
        self.leaving = False
        self._index = index
        self._judge = judge
        self._audit = audit
        self._instruments = instruments
        self._serving = serving
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    def application(self) -> web.Application:
        """Return the HTTP application."""
        served = web.Application()
        served.add_routes([web.post(WEBHOOK_PATH, self.handle)])
        return served

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        begun = time.perf_counter()
        try:
            body = await self._body(request)
            begun = time.perf_counter()
            response = web.Response(body=self._reviewed(body), content_type=_JSON)
        except _NoBodyError as error:
            response = _said(error.status, str(error))
        except (NotAReviewError, CannotJudgeError) as error:
            response = _said(HTTPStatus.BAD_REQUEST, str(error))
        self._instruments.answered(response.status, begun)
        if self.leaving:
            # The connection is not used again: the next request goes to a webhook that stays.
            response.force_close()
        return response

    def _reviewed(self, body: bytes) -> bytes:
        review = read(body)
        if review.change is None:
            return pass_unseen(review)
        decision = decide(review, review.change, self._index.find(review.change.workload), self._judge)
        self._audit.note(decision)
        return answer(decision)

    async def _body(self, request: web.Request) -> bytes:
        if not self._serving():
            raise _NoBodyError(HTTPStatus.SERVICE_UNAVAILABLE, "the release gates are not all known yet")
        if request.content_type != _JSON:
            raise _NoBodyError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"an AdmissionReview as {_JSON} is expected")
        length = request.content_length
        if length is not None and length > LARGEST_BODY:
            raise _too_large()
        if length is not None and length <= _LARGE_BODY:
            return await _received(request)
        async with self._large:
            return await _received(request)


async def _received(request: web.Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
    except TimeoutError:
        raise _NoBodyError(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {_BODY_S:g} s") from None
    return b"".join(parts)


def _too_large() -> _NoBodyError:
    return _NoBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {LARGEST_BODY} bytes")


def _said(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
