import io
from pathlib import Path

import pytest
from rich.console import Console

from e2e.demo.checks import Finding
from e2e.demo.reading import Reading
from e2e.demo.screen import Screen, bar, clock, sparkline


def reading(remaining: float | None, level: str | None) -> Reading:
    return Reading(
        "slo", "journey", 99.9, measured=True, why="Measured", remaining=remaining, minutes_left=1.0, level=level
    )


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(output: io.StringIO) -> Screen:
    return Screen(Console(file=output, highlight=False), picture=True)


def test_figures_become_characters() -> None:
    assert sparkline([100, 50, 0, -20]) == "█▅▁▁"
    assert bar(50) == "█" * 10 + "░" * 10
    assert bar(-5) == "░" * 20
    assert clock(125.9) == "02:05"


def test_without_a_terminal_only_news_is_told(screen: Screen, output: io.StringIO) -> None:
    with screen.watch("slo") as watch:
        for now in (reading(None, None), reading(78, "Healthy"), reading(78, "Healthy"), reading(-2, "Exhausted")):
            watch.see({"slo": now})
        watch.see({})
    lines = output.getvalue().splitlines()
    assert [line.rsplit("● ")[1] for line in lines] == ["Healthy", "Exhausted"]
    assert [each.remaining for each in watch.track] == [78, -2]
    assert [what for _, what in watch.changes] == ["slo: Healthy → Exhausted at -2.0 % of the budget"]


def test_in_a_terminal_a_table_is_redrawn() -> None:
    output = io.StringIO()
    screen = Screen(Console(file=output, force_terminal=True, width=120, highlight=False))
    with screen.watch("slo") as watch:
        watch.see({"slo": reading(None, None)})
        watch.see({"slo": reading(20, "Endangered")})
    assert "Endangered" in output.getvalue()


def test_a_failure_says_what_was_expected_and_seen(screen: Screen, output: io.StringIO) -> None:
    screen.failed([Finding("the budget", "78 %", "none", holds=False)])
    assert output.getvalue().split() == ["✗", "the", "budget", "expected", "78", "%", "seen", "none"]


def test_a_long_line_is_whole_on_the_screen_and_wrapped_in_the_picture(
    screen: Screen, output: io.StringIO, tmp_path: Path
) -> None:
    said = " ".join(["refused"] * 40 + ["END"])
    screen.command("web", output=said, program="frostline", picture=True)
    screen.save_picture(tmp_path / "demo.svg")
    assert output.getvalue().splitlines() == ["$ frostline web", said]
    assert "END" in (tmp_path / "demo.svg").read_text()


def test_the_picture_fetches_nothing(screen: Screen, output: io.StringIO, tmp_path: Path) -> None:
    screen.command("get", "slo", output="NAME  LEVEL\nslo   Exhausted\n", picture=True)
    screen.tell("not in the picture")
    screen.save_picture(tmp_path / "docs" / "demo.svg")
    svg = (tmp_path / "docs" / "demo.svg").read_text()
    assert "Exhausted" in svg
    assert "not&#160;in&#160;the&#160;picture" not in svg
    assert "font-face" not in svg
    assert "$ kubectl get slo" in output.getvalue()
