"""`python -m e2e.demo`: the demo. ONCE=1 in the environment, or --once, runs it to its end and takes all down."""

import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from e2e.cluster.cluster import Cluster
from e2e.cluster.errors import ClusterError
from e2e.cluster.state import REPOSITORY
from e2e.demo.farewell import commands_to_try
from e2e.demo.promises import BROKEN
from e2e.demo.screen import Screen, clock
from e2e.demo.stage import StepFailedError
from e2e.demo.story import Story

FOLDER = REPOSITORY / "build" / "demo"
# Would point the demo at somebody's cluster; it brings its own.
ELSEWHERE = ("CLUSTER", "CLUSTER_CONTEXT", "KUBECONFIG")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
SCRAPE_INTERVAL = "2s"
WATCH_SECONDS = 2.0


def main() -> int:
    """Run the demo; returns the exit code."""
    options = _parser().parse_args()
    once = options.once or os.environ.get("ONCE", "0") not in ("", "0")
    screen = Screen(picture=options.picture is not None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with _alone(options.folder):
            return _run(options, screen, once=once)
    except ClusterError as error:
        screen.error(str(error))
        return EXIT_FAILED


def _run(options: argparse.Namespace, screen: Screen, *, once: bool) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    cluster = Cluster(options.folder, environment=environment, scrape_interval=SCRAPE_INTERVAL)
    code = EXIT_INTERRUPTED
    try:
        if cluster.down():
            screen.tell("An earlier demo was cut off; what it left running has been stopped.")
        story = Story(cluster, screen)
        app = story.tell()
        if options.picture:
            screen.save_picture(options.picture)
        code = 0
        if not once:
            screen.chapter("Your turn")
            commands_to_try(screen, cluster, app)
            _stay(screen, story)
    except KeyboardInterrupt:
        screen.tell("")
    except (ClusterError, StepFailedError) as error:
        screen.error(str(error))
        _help_to_find_out(cluster, screen)
        code = EXIT_FAILED
    finally:
        _take_down(cluster, screen)
    if once and code == 0:
        screen.tell(f"Every step showed what it should, in {clock(screen.elapsed)}.")
    return code


def _stay(screen: Screen, story: Story) -> None:
    """Show the budgets until Ctrl-C: live in a terminal, silent elsewhere."""
    if not screen.console.is_terminal:
        while True:
            time.sleep(WATCH_SECONDS)
    with screen.watch(BROKEN.slo) as watch:
        while True:
            watch.see(story.now())
            time.sleep(WATCH_SECONDS)


def _help_to_find_out(cluster: Cluster, screen: Screen) -> None:
    processes = cluster.site.processes
    dead = [name for name in processes.names() if not processes.running(name)]
    if dead:
        screen.tell(f"Not running any more: {', '.join(dead)}.")
    screen.tell(f"The output of each process stays in {os.path.relpath(processes.logs)}.")


def _take_down(cluster: Cluster, screen: Screen) -> None:
    """Stop everything, deaf to impatience: half a teardown would leave processes behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    screen.tell("Taking everything down …")
    stopped = cluster.down()
    screen.held(f"{len(stopped)} processes stopped")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the demo's own lock, so that a second one does not take the first one down.

    Raises:
        ClusterError: another demo runs in this folder.

    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f"{folder.name}.lock")
    with path.open("a+") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterError(
                f"A demo is running already ({path} is locked): end that one with Ctrl-C, or give --folder."
            ) from error
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run to the end and take everything down (ONCE=1)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="state of the demo's own cluster (build/demo)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="also write a picture of the run, as SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
