"""Commands as people run them, in a folder of their own."""

from functools import partial
from pathlib import Path

import pytest

from frostline.cli.main import main
from tests.cli.linting import Ran


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run `frostline` in a temporary folder; return its exit code and both of its outputs."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def lint(command: Ran) -> Ran:
    """Run `frostline lint`."""
    return partial(command, "lint")


@pytest.fixture
def rules(command: Ran) -> Ran:
    """Run `frostline rules`."""
    return partial(command, "rules")
