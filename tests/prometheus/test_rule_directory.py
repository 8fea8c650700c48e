from pathlib import Path

import pytest

from frostline.core.rule_delivery import ForeignError
from frostline.prometheus.rule_directory import RuleDirectory

NAME = "frostline-shared"


@pytest.fixture
def directory(tmp_path: Path) -> RuleDirectory:
    return RuleDirectory(tmp_path / "rules", "# ours\n")


def test_what_was_written_is_found(directory: RuleDirectory) -> None:
    assert directory.found() == {}

    directory.write(NAME, "groups: []\n")

    assert directory.found() == directory.digests({NAME: "groups: []\n"})
    assert (directory.folder / f"{NAME}.yaml").read_text() == "# ours\ngroups: []\n"
    assert [path.name for path in directory.folder.iterdir()] == [f"{NAME}.yaml"]


def test_files_of_others_are_left_alone(directory: RuleDirectory) -> None:
    directory.folder.mkdir()
    theirs = directory.folder / f"{NAME}.yaml"
    theirs.write_text("groups: [theirs]\n")
    (directory.folder / "other.yaml").write_text("# ours\n")

    assert directory.found() == {NAME: None}
    with pytest.raises(ForeignError, match=r"frostline-shared.yaml was not written by Frostline: move it away"):
        directory.write(NAME, "groups: []\n")

    assert theirs.read_text() == "groups: [theirs]\n"


def test_what_is_gone_already_is_removed(directory: RuleDirectory) -> None:
    directory.write(NAME, "groups: []\n")

    directory.remove(NAME)
    directory.remove(NAME)

    assert directory.found() == {}
