"""What the demo shows: narration, real commands with their real output, and a live view of the budgets."""

import io
import re
import shlex
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from e2e.demo.checks import Finding
from e2e.demo.history import Exact
from e2e.demo.reading import Reading, Readings

STYLES = {"Healthy": "green", "Depleting": "yellow", "Endangered": "dark_orange", "Exhausted": "bold red"}
SPARKS = "▁▂▃▄▅▆▇█"
BAR_CELLS = 20
SPARKLINE_CELLS = 60
# Wide enough for what kubectl prints where there is no terminal that could tell its width.
PLAIN_COLUMNS = 104


def style_of(level: str | None) -> str:
    """Colour of a level; none for what is not known."""
    return STYLES.get(level or "", "dim")


def sparkline(percents: Sequence[float]) -> str:
    """One character per figure, from 0 (or less) to 100 percent."""
    top = len(SPARKS) - 1
    return "".join(SPARKS[round(min(max(percent, 0), 100) / 100 * top)] for percent in percents)


def bar(remaining: float) -> str:
    """Budget left as a bar; empty when it is gone."""
    full = round(min(max(remaining, 0), 100) / 100 * BAR_CELLS)
    return "█" * full + "░" * (BAR_CELLS - full)


def coloured(output: str) -> Text:
    """Output of a command, with levels in their colours."""
    text = Text(output.rstrip("\n"))
    for level, style in STYLES.items():
        text.highlight_words([level], style)
    return text


class Screen:
    """A terminal, or a plain stream of lines where there is none.

    Args:
        console: where to; made for standard output if not given.
        picture: keep what a picture of the demo should show.

    """

    def __init__(self, console: Console | None = None, *, picture: bool = False) -> None:
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PLAIN_COLUMNS
        self._picture = _recorder() if picture else None
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._print("")
        self._print(Rule(Text(title, "bold"), align="left", characters="─"))

    def tell(self, sentence: str, *, picture: bool = False) -> None:
        """Say something, wrapped at the width of the terminal."""
        width = min(self.console.width, PLAIN_COLUMNS)
        self._print(textwrap.fill(sentence, width), picture=picture, whole=True)

    def command(self, *arguments: str, output: str, program: str = "kubectl", picture: bool = False) -> None:
        """Show a command and what it printed."""
        self._print(
            Text("$ ", "dim").append(shlex.join((program, *arguments)), "bold cyan"), picture=picture, whole=True
        )
        self._print(coloured(output), picture=picture, whole=True)

    def held(self, summary: str) -> None:
        """Say that what was expected was seen."""
        self._print(Text("✓ ", "bold green").append(summary, "default"))

    def failed(self, findings: Sequence[Finding]) -> None:
        """Say of each finding that does not hold what was expected and what was seen."""
        for finding in findings:
            self._print(Text("✗ ", "bold red").append(finding.what, "bold"), whole=True)
            self._print(f"    expected  {finding.expected}", whole=True)
            self._print(f"    seen      {finding.seen}", whole=True)

    def error(self, sentence: str) -> None:
        """Say what went wrong."""
        self._print(Text("error: ", "bold red").append(sentence, "default"), whole=True)

    def budgets(self, exact: Mapping[str, Exact], seen: Readings) -> None:
        """Show the budgets that history was written with beside those that Frostline keeps."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("objective", "bad events", "valid events", "budget left, exactly", "kept by Frostline"):
            table.add_column(title, justify="left" if title == "objective" else "right")
        for name, answer in exact.items():
            reading = seen[name]
            figure = "none" if reading.remaining is None else f"{reading.remaining:.2f} %"
            kept = Text(figure, style_of(reading.level))
            left = f"{answer.remaining_percent:.2f} %"
            table.add_row(name, f"{answer.bad:,}", f"{answer.valid:,}", left, kept)
        self._print(Padding(table, (0, 0, 0, 2)))

    def timeline(self, entries: Sequence[tuple[float, str]]) -> None:
        """Show what happened when; times are seconds since the demo began."""
        for seconds, what in entries:
            self._print(Text(f"  {clock(seconds)}  ", "dim").append_text(coloured(what)), whole=True)

    def suggestion(self, command: str, purpose: str) -> None:
        """Show a command to try, and what it is good for."""
        comment = Text(f"   # {purpose}" if purpose else "", "dim")
        self._print(Text(f"  {command}", "cyan").append_text(comment), whole=True)

    def watch(self, followed: str) -> "Watch":
        """Begin a view of all budgets that follows one of them."""
        return Watch(self, followed)

    def line(self, text: Text, *, picture: bool = True) -> None:
        """Show one line of figures."""
        self._print(text, picture=picture, whole=True)

    def save_picture(self, path: Path) -> None:
        """Write what the picture should show as SVG. Nothing unless a picture was asked for."""
        if self._picture:
            path.parent.mkdir(parents=True, exist_ok=True)
            svg = self._picture.export_svg(title="make demo")
            # The fonts would be fetched from elsewhere by whoever looks at the picture.
            own = re.sub(r"@font-face\s*{.*?}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
            path.write_text(own, encoding="utf-8")

    def in_picture(self, line: Text) -> None:
        """Add a line to the picture alone."""
        if self._picture:
            self._picture.print(line, no_wrap=True, crop=False)

    def _print(self, what: RenderableType, *, picture: bool = False, whole: bool = False) -> None:
        self.console.print(what, soft_wrap=whole, markup=False)
        if picture and self._picture:
            # A picture has a width, and what is beyond it would be cut off.
            self._picture.print(what, markup=False)


class Watch:
    """Follows the budgets: a table that is redrawn in a terminal, one line per new figure elsewhere."""

    def __init__(self, screen: Screen, followed: str) -> None:
        self._screen = screen
        self._followed = followed
        self._began = time.monotonic()
        self._live = Live(console=screen.console, auto_refresh=False) if screen.console.is_terminal else None
        self.track: list[Reading] = []
        self.changes: list[tuple[float, str]] = []

    @property
    def seconds(self) -> float:
        """Seconds since this view began."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.__exit__(kind, error, trace)

    def see(self, now: Readings) -> None:
        """Take in new readings and show them."""
        latest = now.get(self._followed)
        if latest and latest.remaining is not None and self._is_news(latest):
            self._note_change(latest)
            self.track.append(latest)
            line = figures_line(self.seconds, latest)
            if self._live is None:
                self._screen.line(line)
            else:
                self._screen.in_picture(line)
        if self._live:
            self._live.update(self._table(now), refresh=True)

    def _is_news(self, reading: Reading) -> bool:
        last = self.track[-1] if self.track else None
        return last is None or (last.remaining, last.level) != (reading.remaining, reading.level)

    def _note_change(self, reading: Reading) -> None:
        before = self.track[-1].level if self.track else reading.level
        if reading.level != before:
            what = f"{reading.name}: {before} → {reading.level} at {reading.remaining:.1f} % of the budget"
            self.changes.append((self._screen.elapsed, what))

    def _table(self, now: Readings) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("objective", "SLI", "target", "budget left", "", "minutes", "burn 1h", "level"):
            right = title in ("SLI", "target", "", "minutes", "burn 1h")
            table.add_column(title, justify="right" if right else "left", no_wrap=True)
        for reading in now.values():
            table.add_row(*_cells(reading))
        track = [each.remaining for each in self.track if each.remaining is not None]
        style = style_of(self.track[-1].level if self.track else None)
        begin = (f"{clock(self.seconds)}  {self._followed}  ", "dim")
        return Group(table, Text.assemble(begin, (sparkline(track[-SPARKLINE_CELLS:]), style)))


def _cells(reading: Reading) -> tuple[str | Text, ...]:
    style = style_of(reading.level)
    if reading.remaining is None:
        return reading.name, "-", f"{reading.target:g} %", Text(reading.why, "dim"), "-", "-", "-", "-"
    return (
        reading.name,
        "-" if reading.sli is None else f"{reading.sli} %",
        f"{reading.target:g} %",
        Text(bar(reading.remaining), style),
        Text(f"{reading.remaining:.1f} %", style),
        "-" if reading.minutes_left is None else f"{reading.minutes_left:.1f}",
        "-" if reading.burn is None else f"{reading.burn:.1f}x",
        Text(f"● {reading.level or reading.why}", style),
    )


def figures_line(seconds: float, reading: Reading) -> Text:
    """One moment of one objective: time, bar, budget, minutes, burn, level."""
    style = style_of(reading.level)
    remaining = reading.remaining or 0.0
    text = Text(f"  {clock(seconds)}  ", "dim")
    text.append(f"{bar(remaining)} {remaining:>7.1f} %", style)
    text.append(f"{reading.minutes_left or 0.0:>8.1f} min left   burn {reading.burn or 0.0:>7.1f}x   ")
    return text.append(f"● {reading.level or reading.why}", style)


def clock(seconds: float) -> str:
    """Minutes and seconds, 02:05."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _recorder() -> Console:
    return Console(record=True, file=io.StringIO(), force_terminal=True, width=PLAIN_COLUMNS, highlight=False)
