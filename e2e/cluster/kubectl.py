"""Running kubectl and helm as a person would."""

import os
import subprocess
from pathlib import Path

from e2e.cluster.errors import ClusterError

TIMEOUT_SECONDS = 180.0


class Kubectl:
    """kubectl on one cluster, whatever KUBECONFIG says outside."""

    def __init__(self, binary: Path, kubeconfig: Path) -> None:
        self._binary = binary
        self._kubeconfig = kubeconfig

    def __call__(
        self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = TIMEOUT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl.

        Args:
            arguments: as on the command line.
            input: for `-f -`.
            check: whether a failure is an error.
            timeout: seconds.

        Raises:
            ClusterError: `check` and kubectl failed; carries what it said.

        """
        return run([str(self._binary), *arguments], self._kubeconfig, input=input, check=check, timeout=timeout)


def run(
    argv: list[str],
    kubeconfig: Path | str,
    *,
    input: str | None = None,
    check: bool = True,
    timeout: float = TIMEOUT_SECONDS,
    keep_open: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a client of the cluster that `kubeconfig` names, and capture what it says.

    Args:
        argv: the command.
        kubeconfig: given to it as KUBECONFIG.
        input: its standard input.
        check: whether a failure is an error.
        timeout: seconds.
        keep_open: file descriptors that it inherits.

    Raises:
        ClusterError: `check` and it failed, or it took too long.

    """
    try:
        done = subprocess.run(
            argv,
            env=os.environ | {"KUBECONFIG": str(kubeconfig)},
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            pass_fds=keep_open,
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{_shown(argv)}` took longer than {timeout:g} s.") from error
    if check and done.returncode != 0:
        raise ClusterError(f"`{_shown(argv)}` failed: {(done.stderr or done.stdout).strip()}")
    return done


def _shown(argv: list[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:]])
