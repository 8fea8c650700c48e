"""Asking local servers, with their certificates checked."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# An empty list of proxies: the servers asked here are on this machine.
_DIRECT = urllib.request.ProxyHandler({})


@dataclass(frozen=True)
class Caller:
    """Whom to trust and who to be. The default is plain HTTP, or HTTPS with the system's authorities."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def request(
        self,
        url: str,
        *,
        method: str = "GET",
        body: Mapping[str, object] | None = None,
        timeout: float = 3.0,
    ) -> tuple[int, bytes]:
        """Send one request.

        Returns:
            status and body, also of a refusal.

        Raises:
            OSError: no answer (refused, timed out, a certificate that does not verify).

        """
        request = urllib.request.Request(url, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(_DIRECT, urllib.request.HTTPSHandler(context=self._tls()))
        try:
            with opener.open(request, timeout=timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except http.client.HTTPException as garbled:
            raise ConnectionError(f"{url}: {garbled!r}") from garbled

    def answers(self, url: str, timeout: float = 3.0) -> bool:
        """Say whether a GET is answered with 200."""
        try:
            return self.request(url, timeout=timeout)[0] == 200
        except OSError:
            return False

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority) if self.authority else None)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context


PLAIN = Caller()
