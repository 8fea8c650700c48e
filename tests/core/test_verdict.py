"""The verdict on every named case, and what is said with it."""

import pytest

from frostline.core.gate import Workload
from frostline.core.verdict import Passed, judge
from tests.support.rollout_cases import CASES
from tests.support.rollouts import Case

WORKLOADS = [Workload("matching", kind, "web") for kind in ("Deployment", "StatefulSet", "DaemonSet")]


def named(does: str) -> Case:
    (case,) = [case for case in CASES if case.does == does]
    return case


def test_names_of_cases_are_unique() -> None:
    assert len({case.does for case in CASES}) == len(CASES)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.kind)
@pytest.mark.parametrize("case", CASES, ids=lambda each: each.does)
def test_verdict(case: Case, workload: Workload) -> None:
    verdict = judge(case.gate(workload), case.request(workload))

    assert verdict.why is case.verdict
    assert isinstance(verdict, Passed) is case.passes
