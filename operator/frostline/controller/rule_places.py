"""Where rules are delivered to: chosen by flags, and by what the cluster knows."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from frostline.controller.cycle import View
from frostline.controller.effects import REFUSALS, brief
from frostline.controller.rule_delivery import RETRY_S, Delivered, FolderPlace, Place, RuleDelivery
from frostline.controller.rule_events import RuleEvents
from frostline.core.alerts import Links
from frostline.kubernetes.resource import Objects
from frostline.kubernetes.rules import CONFIG_MAPS, PROMETHEUS_RULES, RuleObjects
from frostline.prometheus.rule_directory import RuleDirectory

_LOG = logging.getLogger(__name__)

HEADER: Final = "# Written by the operator of Frostline in namespace {}. Change the objectives, not this file.\n"


class Form(StrEnum):
    """As what rules are delivered."""

    OFF = "off"
    """Not at all: whoever delivers them by Git (`frostline rules`) writes them."""
    AUTO = "auto"
    """PrometheusRules where the API server knows them, else ConfigMaps."""
    PROMETHEUS_RULE = "prometheus-rule"
    CONFIG_MAP = "config-map"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to: a folder, or objects in `namespace` that carry `labels`. Objects of another `owner` are left alone.

    `links` says where alerts lead.
    """

    form: Form
    owner: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    links: Links = field(default_factory=Links)


async def place(objects: Objects, destination: Destination) -> Place:
    """Return where to write.

    Raises:
        kubernetes.aio.client.ApiException: the API server refused to say what it knows.
    """
    form = destination.form
    if form is Form.DIRECTORY:
        return FolderPlace(RuleDirectory(destination.folder, HEADER.format(destination.owner)))
    if form is Form.AUTO:
        form = Form.PROMETHEUS_RULE if await objects.knows(PROMETHEUS_RULES) else Form.CONFIG_MAP
    kind = PROMETHEUS_RULES if form is Form.PROMETHEUS_RULE else CONFIG_MAPS
    return RuleObjects(objects, kind, destination.namespace, destination.labels, destination.owner)


async def deliver(
    objects: Objects,
    destination: Destination,
    views: Callable[[], tuple[View, ...] | None],
    delivered: Callable[[Delivered], None],
    events: RuleEvents,
) -> None:
    """Keep the rules of all promises delivered, until cancelled; `delivered` is told what came of each write."""
    if destination.form is Form.OFF:
        await asyncio.Event().wait()
    while True:
        try:
            where = await place(objects, destination)
        except REFUSALS as error:
            delivered(Delivered.REFUSED)
            why = f"rules not written: where they go cannot be found out: {brief(error)}"
            _LOG.warning("%s; trying again", why)
            await events.note(why)
            await asyncio.sleep(RETRY_S)
            continue
        _LOG.info("rules are written to %s", where)
        delivery = RuleDelivery(where, destination.links, delivered=delivered, troubled=events.note)
        await delivery.keep(views)
