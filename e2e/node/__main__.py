"""`python -m e2e.node`: finds tools, builds images, and runs the tests of this folder on a real node.

Arguments go to pytest. CLUSTER=kind runs them on kind in Docker; otherwise the node is made of processes, in
namespaces of its own that end with the tests.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.node_cluster import ARCHIVE, CLIENT_TOOLS, KIND, OWN_TOOLS, cgroup_of, link_programs, wanted
from e2e.cluster.node_confinement import run_confined
from e2e.cluster.node_images import Images
from e2e.cluster.node_programs import RUN_BY_NODE, check_machine, find_programs
from e2e.cluster.progress import duration, say
from e2e.cluster.session import session_folder
from e2e.cluster.site import Site
from e2e.cluster.tools import Finder

FOLDER = "FROSTLINE_NODE_FOLDER"
HERE = Path(__file__).parent
EXIT_FAILED = 1


def main(arguments: list[str]) -> int:
    """Run the tests; returns the exit code."""
    try:
        kind = wanted(os.environ) == KIND
        if not kind:
            check_machine()
        with session_folder(say, purpose="-node") as folder:
            return _run(folder, arguments, kind=kind)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED


def _run(folder: Path, arguments: list[str], *, kind: bool) -> int:
    began = time.monotonic()
    site = Site(folder, say)
    finder = Finder(os.environ, say)
    programs = {} if kind else find_programs(RUN_BY_NODE, finder.cache, say)
    found = finder.find(CLIENT_TOOLS if kind else OWN_TOOLS)
    site.link_tools(found.values())
    link_programs(site, programs)
    Images(finder.cache, site.tool, say).build(None if kind else folder / ARCHIVE)
    say(f"  tools and images are there after {duration(time.monotonic() - began)}")
    named = [each for each in arguments if not each.startswith("-") and Path(each.partition("::")[0]).exists()]
    argv = [sys.executable, "-m", "pytest", *([] if named else [str(HERE)]), *arguments]
    environment = os.environ | {FOLDER: str(folder)}
    say(f"  kubeconfig {site.kubeconfig}")
    if kind:
        return subprocess.run(argv, env=environment, check=False).returncode
    return run_confined(argv, environment, programs.__getitem__, cgroup=cgroup_of(folder), tell=say)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
