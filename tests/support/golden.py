"""Golden files: texts that a change shall show up in."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def check(golden: Path, text: str) -> None:
    """Compare `text` with the file `golden`; with UPDATE_GOLDEN=1 in the environment write it first."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    where = golden.relative_to(REPOSITORY)
    assert golden.exists(), f"{where} does not exist: run UPDATE_GOLDEN=1 pytest {where.parts[0]} and commit it"
    assert text == golden.read_text(), (
        f"{where} is not what comes out: if the change is meant, "
        f"run UPDATE_GOLDEN=1 pytest {where.parts[0]}/{where.parts[1]} and commit the difference"
    )
