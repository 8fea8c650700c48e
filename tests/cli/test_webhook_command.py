import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostline.cli.main import main
from frostline.webhook import process
from frostline.webhook.process import Options
from frostline.webhook.sources import Files, SecretName

SECRET = ["--tls-secret", "frostline-system/tls"]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """Collect what the webhook would be started with, in place of starting it."""
    found: list[Options] = []

    async def run(options: Options) -> None:
        found.append(options)

    monkeypatch.setattr(process, "run", run)
    return found


def test_flags_become_options(started: list[Options], tmp_path: Path) -> None:
    # The files need not be there yet: whoever makes them may come later.
    files = ["--tls-cert", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key")]
    addresses = ["--webhook-listen", "127.0.0.1:9443", "--listen", "127.0.0.1:9090", "--drain", "3s"]

    assert main(["webhook", *files, *addresses]) == 0

    (options,) = started
    assert options.certificate == Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert (options.host, options.port) == ("127.0.0.1", 9443)
    assert (options.probes_host, options.probes_port) == ("127.0.0.1", 9090)
    assert options.drain_s == 3


def test_defaults(started: list[Options]) -> None:
    assert main(["webhook", *SECRET]) == 0

    (options,) = started
    assert options.certificate == SecretName("frostline-system", "tls")
    assert (options.port, options.probes_port, options.drain_s) == (8443, 8080, 10)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        pytest.param([], "give either --tls-cert FILE and --tls-key FILE, or --tls-secret", id="no certificate"),
        pytest.param(["--tls-cert", "a"], "--tls-cert and --tls-key go together", id="half of one"),
        pytest.param([*SECRET, "--tls-cert", "a", "--tls-key", "b"], "give either", id="two of them"),
        pytest.param(["--tls-secret", "tls"], '"tls" must be NAMESPACE/NAME', id="a name without a namespace"),
        pytest.param(["--tls-secret", "a/b/c"], '"a/b/c" must be NAMESPACE/NAME', id="too many parts"),
    ],
)
def test_a_mistake_is_named_and_ends_with_2(
    flags: list[str], says: str, started: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["webhook", *flags])

    assert end.value.code == 2
    assert says in capsys.readouterr().err
    assert started == []


def test_a_port_that_is_taken_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(_options: Options) -> None:
        raise OSError("address already in use")

    monkeypatch.setattr(process, "run", run)

    assert main(["webhook", *SECRET]) == 1
    assert "address already in use" in capsys.readouterr().err
