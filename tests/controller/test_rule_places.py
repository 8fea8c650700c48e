import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from frostline.cli.main import main
from frostline.controller.rule_places import Destination, Form, deliver
from frostline.core.alerts import Links
from tests.controller.test_rule_delivery import view

OURS = Links.of(dashboard="https://grafana.example/d/frostline-slo", runbooks="https://wiki.example/slo")


def delivered(folder: Path, links: Links) -> str:
    """Return the shared file that is written for one objective."""
    shared = folder / "frostline-shared.yaml"
    destination = Destination(Form.DIRECTORY, "frostline-system", "", folder=folder, links=links)

    async def run() -> None:
        objects: Any = None
        events: Any = AsyncMock()
        delivering = asyncio.create_task(deliver(objects, destination, lambda: (view("a"),), lambda _: None, events))
        while not shared.exists():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        delivering.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))
    return shared.read_text()


def test_alerts_lead_where_the_platform_has_its_dashboards(tmp_path: Path) -> None:
    rules = delivered(tmp_path, OURS)

    assert "https://grafana.example/d/frostline-slo?var-namespace=" in rules
    assert "https://wiki.example/slo#" in rules
    assert Links().dashboard not in rules
    assert Links().operator_dashboard in rules


def test_the_links_that_are_not_given_are_the_usual_ones() -> None:
    assert Links.of() == Links()
    assert Links.of(operator_dashboard="https://g/d/o") == Links(operator_dashboard="https://g/d/o")


def test_a_link_is_a_web_address(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["operator", "--rules-dashboard", "grafana"])

    assert "--rules-dashboard" in capsys.readouterr().err
