"""Promises at every level lose their measurement at once: what stands stays, says how old it is, and goes on after."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from e2e.cluster.fixtures import RunsOperator
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import SPENT, Service, apply
from e2e.shop import FAST, Shop

BUDGET = 86_400.0
"""Bad events that a service may have in its day: 1 % of 8.64 million."""
BAD = {"healthy": 0.0, "depleting": 0.5 * BUDGET, "endangered": 0.85 * BUDGET, "exhausted": SPENT}
RULES = {"healthy": "Open", "depleting": "Warn", "endangered": "Slush", "exhausted": "Freeze"}
REFUSED = ("endangered", "exhausted")
HELD = ("level", "levelSince", "releases", "budget", "sli", "counts")


class Street:
    """Four promises, each named after its level, as is the Deployment that it protects."""

    def __init__(self, people: Shop, services: Iterator[Service], policy: str) -> None:
        self.people = people
        self.services = {name: next(services) for name in BAD}
        for name, service in self.services.items():
            people.deploy(name, "app:1")
            service.count(bad=BAD[name], valid=BAD[name])
            protects = [{"kind": "Deployment", "name": name}]
            apply(people.kubectl, people.namespace, service.objective(name, protects=protects, policyRef=policy))

    def statuses(self) -> dict[str, dict[str, Any]]:
        found = self.people.get("slo")["items"]
        return {each["metadata"]["name"]: each.get("status", {}) for each in found}

    def levels(self) -> dict[str, str]:
        return {name: status.get("level", "").lower() for name, status in self.statuses().items()}

    def rules(self) -> dict[str, str]:
        return {name: status.get("releases", "") for name, status in self.statuses().items()}

    def reasons(self) -> dict[str, str]:
        return {name: self.people.condition("Measured", name).get("reason", "") for name in BAD}

    def standing(self) -> dict[str, Any]:
        """Return what may not change while nothing is measured."""
        gates = self.people.gates()
        return {
            "statuses": {name: {key: status.get(key) for key in HELD} for name, status in self.statuses().items()},
            "gates": {
                name: {key: spec.get(key) for key in ("rule", "since", "overrideClasses", "running", "good")}
                for name, spec in gates.items()
            },
            "claims": {
                name: [(each["objective"], each["level"], each["since"], each["rule"]) for each in spec["by"]]
                for name, spec in gates.items()
            },
            "marks": {name: self.people.marks(name) for name in BAD},
        }

    def says_since_when(self, lost_at: float) -> None:
        """Check that whoever looks is told of what time the figure is, and that it is none of after the loss."""
        for name, status in self.statuses().items():
            said = self.people.condition("Measured", name)["message"]
            assert f"are of {datetime.fromisoformat(status['measuredAt']).isoformat()}" in said, name
            assert "stay as they are" in said, name
            assert datetime.fromisoformat(status["measuredAt"]).timestamp() <= lost_at, name
        for name, spec in self.people.gates().items():
            assert "not since: QueryFailed" in spec["message"], name
        for name in REFUSED:
            assert "not since: QueryFailed" in self.people.refusal(name)
        for name in BAD.keys() - set(REFUSED):
            assert self.people.refusal(name) == ""


@pytest.fixture
def street(fresh_services: Iterator[Service], people: Shop, quick: str) -> Street:
    return Street(people, fresh_services, quick)


@pytest.fixture
def running(street: Street, operator: RunsOperator) -> OperatorProcess:
    """Run an operator that has found each promise at its level, and holds what is to be held."""
    url = street.services["healthy"].url
    running = operator(url, street.people.namespace, flags=FAST)
    eventually(lambda: street.levels() == {name: name for name in BAD}, 90, lambda: str(street.levels()))
    eventually(lambda: street.rules() == RULES, 30, lambda: str(street.rules()))
    for name in REFUSED:
        eventually(lambda one=name: street.people.frozen(one), 60, name)  # type: ignore[misc]
    return running


def test_nothing_changes_at_any_level_until_it_is_measured_again(street: Street, running: OperatorProcess) -> None:
    people, prometheus = street.people, street.services["healthy"].prometheus
    before = street.standing()
    assert set(before["gates"]) == {f"deployment-{name}" for name in BAD if name != "healthy"}

    prometheus.stop()
    lost_at = time.time()
    try:
        away = dict.fromkeys(BAD, "QueryFailed")
        eventually(lambda: street.reasons() == away, 60, lambda: str(street.reasons()))
        lost = street.standing()
        street.says_since_when(lost_at)

        running.kill()
        running.start()
        cycles = running.metric("cycles_total")
        eventually(lambda: running.metric("cycles_total") > cycles + 3, 60, "the new operator looks, and finds nothing")
        assert street.reasons() == away
        anew = street.standing()
        street.says_since_when(lost_at)
    finally:
        prometheus.start()

    # A last cycle may have measured between the look and the loss: the figure may be newer, nothing else.
    for one in (lost, anew):
        for each in ("gates", "claims", "marks"):
            assert one[each] == before[each]
        for name in BAD:
            for key in ("level", "levelSince", "releases"):
                assert one["statuses"][name][key] == before["statuses"][name][key], name
    assert anew["statuses"] == lost["statuses"]

    eventually(lambda: set(street.reasons().values()) == {"Measured"}, 90, lambda: str(street.reasons()))
    after = street.standing()
    for each in ("gates", "claims", "marks"):
        assert after[each] == before[each]
    assert street.levels() == {name: name for name in BAD}
    assert not people.events("ReleasesOpened")

    street.services["healthy"].count(bad=SPENT, valid=SPENT)
    eventually(lambda: people.frozen("healthy"), 60, "what is lost from now on counts")
    worst = street.services["exhausted"]
    eventually(lambda: worst.earn() and not people.refusal("exhausted"), 90, lambda: str(street.rules()), interval=1)
    assert people.refusal("endangered")
