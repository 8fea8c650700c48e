"""Cycles over several sources: each objective by its own, and none waits long for another's."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.sources import OWN_NAME, Asked, Sources
from frostline.controller.timing import Timing
from frostline.core.outcome import Failed, Failure, Partial
from frostline.names import Condition
from tests.controller.world.manifests import manifest
from tests.controller.world.operator import cycle_of, lane_of
from tests.controller.world.prometheus import DOWN, Prometheus
from tests.controller.world.world import World
from tests.support.objectives import steady

QUICK = Timing(interval_s=1)


class Slow(Prometheus):
    """Hangs until it is let go."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.free = threading.Event()
        self.free.set()

    def now(self) -> float | Partial | Failed:
        self.free.wait()
        return super().now()


class Several(World):
    """An operator with the flags' source and those that PrometheusSources name."""

    def __init__(self, **others: Prometheus) -> None:
        self.others = others
        super().__init__({"all": steady(0.0)})

    def begin(self) -> None:
        def build(name: str, *_: object) -> Asked:
            return lane_of(name, self.others[name], QUICK)

        own = lane_of(OWN_NAME, self.prometheus, QUICK)
        self.cycle = cycle_of(
            self.stores,
            self.prometheus,
            self.api,
            self.cluster,
            wall=lambda: self.wall,
            sources=Sources(own, build, _Nothing(), clock=lambda: self.wall),
            timing=QUICK,
        )
        for name in self.others:
            self.put_source(name)

    def put_source(self, name: str, generation: int = 1, **spec: Any) -> None:
        metadata = {"name": name, "uid": f"uid-{name}", "generation": generation, "resourceVersion": str(generation)}
        found: JsonObject = {"metadata": metadata, "spec": {"url": "http://prometheus", **spec}}
        self.cluster.sources[name] = found
        self.stores.sources.put(found)

    def reason(self, name: str) -> str:
        return str(self.condition(name, Condition.MEASURED)["reason"])

    def percent(self, name: str) -> float:
        return float(self.api.status(name)["budget"]["remainingPercent"])


class _Nothing:
    namespace = "frostline-system"

    async def secret(self, name: str) -> None:
        raise AssertionError(f"Secret {name} is not needed")

    config_map = secret


@pytest.fixture
def slow() -> Any:
    made = Slow({"all": steady(0.0005)})
    yield made
    made.free.set()


def both(**others: Prometheus) -> Several:
    made = Several(**others)
    made.apply("near", manifest())
    made.apply("far", manifest(sourceRef=next(iter(others))))
    made.settle()
    return made


def test_each_is_measured_by_its_own() -> None:
    made = both(b=Prometheus({"all": steady(0.0005)}))

    assert made.percent("near") == pytest.approx(100)
    assert made.percent("far") == pytest.approx(50)
    assert made.cluster.sources["b"]["status"]["objectives"] == 1
    assert made.cluster.sources["b"]["status"]["display"]["healthy"] == "Yes"


def test_one_that_is_down_fails_its_own_only() -> None:
    far = Prometheus({"all": steady(0.0005)})
    made = both(b=far)
    far.trouble = DOWN
    held = made.api.status("far")["budget"]

    made.run(30)

    assert (made.reason("near"), made.reason("far")) == ("Measured", "QueryFailed")
    assert made.api.status("far")["budget"] == held
    status = made.cluster.sources["b"]["status"]
    assert status["display"]["healthy"] == "DoesNotAnswer"
    assert "connection refused" in status["lastError"]["message"]
    far.trouble = None
    made.run(30)
    assert made.reason("far") == "Measured"
    assert made.cluster.sources["b"]["status"]["lastError"]["message"] == status["lastError"]["message"]


def eventually(holds: Callable[[], bool], turn: Callable[[], None]) -> None:
    for _ in range(200):
        turn()
        if holds():
            return
    raise AssertionError("it never came to hold")


def test_one_that_hangs_is_waited_for_once_and_taken_up_when_it_answers(slow: Slow) -> None:
    made = both(b=slow)
    far = made.api.status("far")
    slow.free.clear()
    made.prometheus.events["all"] = steady(0.0002)

    made.run(30)
    assert made.reason("near") == "Measured"
    assert made.api.status("far")["budget"] == far["budget"]
    made.run(30, times=5)
    assert made.api.status("near")["measuredAt"] > far["measuredAt"]
    assert made.api.status("far")["measuredAt"] == far["measuredAt"]

    slow.time = made.prometheus.time
    slow.free.set()
    eventually(lambda: bool(made.api.status("far")["measuredAt"] > far["measuredAt"]), lambda: made.run(60))
    assert made.reason("far") == "Measured"


def test_a_clock_that_is_wrong_is_its_own_only() -> None:
    far = Prometheus({"all": steady(0.0005)})
    far.time += 400 * 86_400
    made = both(b=far)

    assert made.api.status("far")["measuredAt"] > "2028"
    since = made.condition("near", Condition.MEASURED)["lastTransitionTime"]
    assert since < "2028"
    assert made.condition("far", Condition.MEASURED)["lastTransitionTime"] < "2028"


def test_another_source_is_another_account() -> None:
    made = both(b=Prometheus({"all": steady(0.0005)}))
    made.apply("far", manifest())

    made.run(30)
    assert made.reason("far") == "Rehydrating"
    made.settle()
    assert made.percent("far") == pytest.approx(100)


def test_a_source_that_goes_holds_what_was_measured_by_it() -> None:
    made = both(b=Prometheus({"all": steady(0.01)}))
    before = made.api.status("far")
    assert before["level"] == "Exhausted"

    made.stores.sources.drop(made.cluster.sources["b"])
    made.run(30)

    after = made.api.status("far")
    assert made.reason("far") == "SourceNotFound"
    assert (after["level"], after["budget"]) == (before["level"], before["budget"])
    assert "stay as they are until it is measured again" in made.condition("far", Condition.MEASURED)["message"]
    made.put_source("b", 2)
    made.run(30)
    assert made.reason("far") == "Measured"


def test_a_namespace_names_its_source() -> None:
    made = both(b=Prometheus({"all": steady(0.0005)}))
    made.cluster.put_namespace(**{str(names.Label.SOURCE): "b"})

    made.settle()

    assert made.percent("near") == pytest.approx(50)


def test_failures_of_the_flags_source_are_those_of_its_own() -> None:
    made = both(b=Prometheus({"all": steady(0.0005)}))
    made.prometheus.trouble = Failed(Failure.TIMEOUT, "slow")

    made.run(30)

    assert (made.reason("near"), made.reason("far")) == ("QueryFailed", "Measured")
    assert made.api.status("far")["measuredAt"] > ""
