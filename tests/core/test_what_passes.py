"""docs/what-passes.md says of every case and every rule what `judge` says."""

import os
from collections.abc import Iterator
from dataclasses import replace

from frostline.core.gate import Workload
from frostline.core.policy import Rule
from frostline.core.projection import OPERATIONAL_CONTAINER, OPERATIONAL_POD, Operational
from frostline.core.verdict import Passed, Why, judge
from tests.support.golden import REPOSITORY
from tests.support.rollout_cases import CASES
from tests.support.rollouts import ALL_CLASSES, FREEZE_CLASSES, Case

PAGE = REPOSITORY / "docs" / "what-passes.md"
BEGIN, END = "<!-- cases -->", "<!-- /cases -->"
WORKLOAD = Workload("matching", "Deployment", "web")


def cell(case: Case, rule: Rule) -> str:
    """Return what a rule does to a case, in a word or two."""
    classes = ALL_CLASSES if rule is Rule.SLUSH else FREEZE_CLASSES
    verdict = judge(replace(case, classes=classes).gate(WORKLOAD, rule), case.request(WORKLOAD))
    if not isinstance(verdict, Passed):
        return "**refused**"
    return {Why.OVERRIDE: "by override", Why.BYPASS: "by bypass"}.get(
        verdict.why, "warning" if verdict.warnings else "passes"
    )


def tables() -> Iterator[str]:
    # What differs in the classes that a gate takes shows in the columns.
    shown = [case for case in CASES if case.classes == FREEZE_CLASSES]
    for section in dict.fromkeys(case.section for case in shown):
        yield from ("", f"### {section}", "", f"| what is done | {' | '.join(Rule)} | why |", "| --- " * 6 + "|")
        for case in shown:
            if case.section == section:
                yield f"| {case.does} | {' | '.join(cell(case, rule) for rule in Rule)} | {case.because} |"
    yield ""


def test_every_cell_is_true() -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    told, _, after = rest.partition(END)
    true = "\n".join(("", *tables(), ""))

    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{true}{END}{after}")
        told = true
    assert told == true, "docs/what-passes.md is not what judge says: run UPDATE_GOLDEN=1 pytest tests/core"


def test_the_operational_fields_are_those_of_the_page() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.count("|") == 4]
    told = {row[0]: {word for part in row[1:] for word in part.replace("|", "").split(", ") if word} for row in rows}

    for group in set(Operational) - {Operational.LABELS}:
        fields = {*OPERATIONAL_CONTAINER.get(group, ()), *OPERATIONAL_POD.get(group, ())}
        assert {word.strip() for word in told[group]} - {""} == fields
