"""The fixture of the tests of `frostline lint`."""

from pathlib import Path

import pytest

from frostline.cli.main import main
from tests.cli.linting import Lint


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lint:
    """Run `frostline lint` in a temporary folder; return its exit code and both of its outputs."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["lint", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run
