"""What time it is by the API server."""

from email.utils import parsedate_to_datetime
from typing import Final

from kubernetes.aio import client

from frostline.kubernetes.resource import TIMEOUT_S

_CHEAP: Final = "/version"
"""Answered to everybody, from memory."""


async def server_time(api: client.ApiClient) -> float | None:
    """Return epoch seconds by the API server's clock, to the second; None where an answer does not carry them.

    Raises:
        aiohttp.ClientError, TimeoutError: the API server did not answer.
    """
    call = await api.param_serialize(
        "GET", _CHEAP, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
    )
    answer = await api.call_api(*call, _request_timeout=TIMEOUT_S)
    await answer.read()
    try:
        return parsedate_to_datetime(answer.headers.get("Date") or "").timestamp()
    except ValueError:
        return None
