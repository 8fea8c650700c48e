"""Log lines: text for people, JSON for machines."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

_NOISY = ("aiohttp.access", "urllib3", "kopf.objects", "kopf.activities")


def configure(style: str, level: str) -> None:
    """Send all log lines to standard error as `style` (text or json), from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(
            JsonFormatter(
                "{asctime}{levelname}{name}{message}",
                style="{",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                datefmt="%Y-%m-%dT%H:%M:%S%z",
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
