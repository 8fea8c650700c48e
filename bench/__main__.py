"""Run the benchmarks, write build/bench/<name>.json, print a table: `python -m bench [PART …]`."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from bench import direct, evaluation, linting, node, policy, startup, webhook
from bench.results import FOLDER, Result, UnavailableError, table, write
from e2e.cluster.progress import say

_PARTS: Mapping[str, Callable[[], list[Result]]] = {
    "startup": startup.run,
    "lint": linting.run,
    "evaluation": evaluation.run,
    "direct": lambda: direct.run(say),
    "policy": lambda: policy.run(say),
    "webhook": lambda: webhook.run(say),
    "node": lambda: node.run(say),
}


def main() -> int:
    """Run; return 1 when a part could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Frostline costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; all if absent")
    wanted = parser.parse_args().parts or list(_PARTS)
    if unknown := sorted(set(wanted) - set(_PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}: choose from {', '.join(_PARTS)}")
    results: list[Result] = []
    missing: dict[str, str] = {}
    for name in wanted:
        say(f"measuring {name}")
        begun = time.monotonic()
        try:
            measured = _PARTS[name]()
        except (UnavailableError, TimeoutError, subprocess.TimeoutExpired) as reason:
            missing[name] = str(reason)
            continue
        write(measured)
        results += measured
        say(f"  took {time.monotonic() - begun:.0f} s")
    say(f"\n{table(results)}\n\nwritten to {FOLDER}")
    for name, why in missing.items():
        say(f"{name} was NOT measured: {why}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
