"""What every chapter of the demo works with: commands that are shown, looks that are waited for, checks that count."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from e2e.cluster.kubectl import Kubectl, run
from e2e.demo import reading
from e2e.demo.checks import Finding, Said
from e2e.demo.promises import BROKEN
from e2e.demo.reading import Deployed, Readings
from e2e.demo.screen import Screen, Watch, clock, sparkline

T = TypeVar("T")

NAMESPACE = "soulsync"
IN_NAMESPACE = ("-n", NAMESPACE)
POLL_SECONDS = 1.0


class StepFailedError(Exception):
    """A step did not show what it should; the screen has said what."""


class Reached(Protocol):
    """A cluster as seen from here."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""

    @property
    def kubectl(self) -> Kubectl:
        """Runs kubectl as the administrator."""


class Stage:
    """The cluster and the screen, and a timeline of what happened."""

    def __init__(self, cluster: Reached, screen: Screen) -> None:
        self.cluster = cluster
        self.screen = screen
        self.timeline: list[tuple[float, str]] = []

    def mark(self, what: str) -> None:
        """Note on the timeline that something happened now."""
        self.timeline.append((self.screen.elapsed, what))

    def show(self, *arguments: str, picture: bool = False) -> None:
        """Run kubectl and show what it printed. Raises ClusterError if it fails."""
        self.screen.command(*arguments, output=self.quietly(*arguments), picture=picture)

    def quietly(self, *arguments: str) -> str:
        """Run kubectl and return what it printed. Raises ClusterError if it fails."""
        return self.cluster.kubectl(*arguments).stdout

    def try_out(self, *arguments: str, picture: bool = False) -> Said:
        """Run kubectl, which may fail, and show what it said."""
        done = self.cluster.kubectl(*arguments, check=False)
        said = Said(done.returncode, done.stderr + done.stdout)
        self.screen.command(*arguments, output=said.text, picture=picture)
        return said

    def frostline(self, *arguments: str, picture: bool = False) -> Said:
        """Run frostline, which may fail, and show what it said."""
        command = Path(sys.executable).with_name("frostline")
        done = run([str(command), *arguments], self.cluster.kubeconfig, check=False)
        said = Said(done.returncode, done.stderr + done.stdout)
        self.screen.command(*arguments, output=said.text, program=command.name, picture=picture)
        return said

    def now(self) -> Readings:
        """Read all objectives of the app."""
        return reading.readings(self.read("slo"))

    def rules(self) -> Mapping[str, str]:
        """Read the rule in force for each workload that has a gate."""
        return reading.rules(self.read("releasegates"))

    def deployed(self) -> Mapping[str, Deployed]:
        """Read what is deployed."""
        return reading.deployments(self.read("deployments"))

    def read(self, kind: str) -> Mapping[str, Any]:
        """Read all objects of a kind in the app's namespace."""
        answer: Mapping[str, Any] = json.loads(self.quietly("get", kind, *IN_NAMESPACE, "-o", "json"))
        return answer

    def wait(self, look: Callable[[], T], seconds: float, enough: Callable[[T], bool]) -> T:
        """Look until it is enough or the time is over; return what was seen last."""
        deadline = time.monotonic() + seconds
        while True:
            seen = look()
            if enough(seen) or time.monotonic() >= deadline:
                return seen
            time.sleep(POLL_SECONDS)

    def follow(self, seconds: float, enough: Callable[[Readings], bool]) -> Watch:
        """Show the budgets until it is enough or the time is over."""
        deadline = time.monotonic() + seconds
        with self.screen.watch(BROKEN.slo) as watch:
            while time.monotonic() < deadline:
                seen = self.now()
                watch.see(seen)
                if enough(seen):
                    break
                time.sleep(POLL_SECONDS)
        track = [each.remaining for each in watch.track if each.remaining is not None]
        self.screen.tell(f"  budget  {sparkline(track)}  {watch.seconds:.0f} s")
        self.timeline += watch.changes
        return watch

    def require(self, summary: str, findings: Sequence[Finding]) -> None:
        """Go on only if all findings hold. Raises StepFailedError, and says which do not, otherwise."""
        if hold(findings):
            self.screen.held(f"{summary} ({clock(self.screen.elapsed)})")
            return
        self.screen.failed([finding for finding in findings if not finding.holds])
        raise StepFailedError(f"this did not come true: {summary}")


def hold(findings: Sequence[Finding]) -> bool:
    """Say whether all findings hold."""
    return all(finding.holds for finding in findings)
