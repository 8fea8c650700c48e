"""Keeps the gates armed, and the webhook's certificates fresh, beside the cycles."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from frostline import names
from frostline.controller.arming import Arming
from frostline.controller.certificates import ContendedError, ServerNames, keep_certificates, read_authorities
from frostline.controller.effects import REFUSALS, brief
from frostline.core.armed import refuses
from frostline.kubernetes.admission import AdmissionObjects
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.resource import Objects
from frostline.kubernetes.secrets import Secret

_LOG = logging.getLogger(__name__)
_RENEW_S: Final = 600.0
_GIVEN_S: Final = 60.0
"""Others exchange certificate and authority when they like."""
_RETRY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the webhook is, for the API server, and the Secret of its certificate, as (namespace, name).

    `client_config` has the form of a webhook's clientConfig less caBundle. `given` says that others keep the Secret,
    such as cert-manager: it is only read.
    """

    client_config: dict[str, Any]
    names: ServerNames
    secret: tuple[str, str]
    given: bool

    @classmethod
    def of_service(cls, namespace: str, name: str, secret: tuple[str, str], *, given: bool = False) -> "Webhook":
        """Return a webhook behind a Service, port 443."""
        service = {"namespace": namespace, "name": name, "path": names.WEBHOOK_PATH, "port": 443}
        return cls({"service": service}, ServerNames.of_service(name, namespace), secret, given)

    @classmethod
    def of_url(cls, url: str, secret: tuple[str, str], *, given: bool = False) -> "Webhook":
        """Return a webhook outside the cluster, at https://HOST:PORT.

        Raises:
            ValueError: the URL names no host.
        """
        return cls({"url": url.rstrip("/") + names.WEBHOOK_PATH}, ServerNames.of_url(url), secret, given)


class Armament:
    """The gates' means: bindings, webhook configuration, certificates."""

    def __init__(self, objects: Objects, recorder: Recorder, webhook: Webhook | None) -> None:
        self._arming = Arming(AdmissionObjects(objects, recorder), None if webhook is None else webhook.client_config)
        self._webhook = webhook
        self._secret = None if webhook is None else Secret(objects, *webhook.secret)
        self._ca_bundle: bytes | None = None

    @property
    def arming(self) -> Arming:
        """How far the gates are armed."""
        return self._arming

    def switched_off(self) -> str | None:
        """Return why gates hold nothing back now, None when they do."""
        state = self._arming.state
        return None if refuses(state) else state.sentence

    async def look(self) -> None:
        """Look once at what there is, so that the first cycle knows whether gates hold."""
        await self._certify()
        await self._arming.run(self._ca_bundle, time.time())

    async def run(self) -> None:
        """Run until cancelled."""
        await asyncio.gather(self._arming.keep(lambda: self._ca_bundle, time.time), self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s())
            await self._certify()

    def _pause_s(self) -> float:
        if not self._ca_bundle or self._webhook is None:
            return _RETRY_S
        return _GIVEN_S if self._webhook.given else _RENEW_S

    async def _certify(self) -> None:
        if self._webhook is None or self._secret is None:
            return
        try:
            if self._webhook.given:
                bundle = await read_authorities(self._secret)
            else:
                bundle = await keep_certificates(self._secret, self._webhook.names, datetime.now(UTC))
        except (ContendedError, *REFUSALS) as error:
            _LOG.warning("the webhook's certificates cannot be kept now, trying again: %s", _why(error))
        else:
            self._ca_bundle = bundle or None


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, ContendedError) else brief(error)
