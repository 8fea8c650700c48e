"""Faults at random: what goes wrong, from when to when, and how it is put right; the same ones from the same seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from frostline import names
from frostline.core.outcome import Failed, Failure, Partial
from frostline.kubernetes.resource import GATES, NAMESPACES, WORKLOADS
from tests.controller.day.operators import Operators
from tests.controller.day.story import GATEWAY, MATCHER, NAMESPACES_THERE, PROFILE, SERIES, START, withdraw
from tests.controller.freezing import MINUTE
from tests.controller.world.prometheus import DOWN
from tests.support.objectives import HOUR, Events

Act = Callable[[Operators], object]
FIRST = START + 20 * MINUTE
LAST = START + 22 * HOUR
"""No fault begins later: all of them are over an hour before the day is."""


@dataclass(frozen=True)
class Fault:
    """One fault from epoch second `begin` to `end`.

    Attributes:
        at_once: whether the leader can be expected to put it right at once: nobody else is in trouble then.
        loosens: the namespace in which it is meant to let go of what is held back, if any.
    """

    what: str
    begin: int
    end: int
    strike: Act
    heal: Act
    at_once: bool = False
    loosens: str | None = None

    def __str__(self) -> str:
        return f"{(self.begin - START) / HOUR:.3f} h to {(self.end - START) / HOUR:.3f} h: {self.what}"


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how long it lasts at most, and what it does, given dice."""

    what: str
    longest_s: int
    make: Callable[[random.Random], tuple[Act, Act]]
    at_once: bool = False
    loosens: str | None = None


def _nothing(_: Operators) -> None:
    """Leave it as it is."""


def _prometheus(trouble: Partial | Failed) -> Callable[[random.Random], tuple[Act, Act]]:
    def make(_: random.Random) -> tuple[Act, Act]:
        def strike(all_: Operators) -> None:
            all_.around.prometheus.trouble = trouble

        def heal(all_: Operators) -> None:
            all_.around.prometheus.trouble = None

        return strike, heal

    return make


def _some_metrics(dice: random.Random) -> tuple[Act, Act]:
    troubles: list[Partial | Failed] = [Failed(Failure.TIMEOUT, "no answer"), Partial(("a store is away",))]
    trouble = dice.choice(troubles)
    metrics = dice.sample(["matches", "took_count", "sent", "reports", "pages", "queue"], 3)

    def strike(all_: Operators) -> None:
        all_.around.prometheus.trouble_with = dict.fromkeys(metrics, trouble)

    def heal(all_: Operators) -> None:
        all_.around.prometheus.trouble_with = {}

    return strike, heal


def _series_lost(_: random.Random) -> tuple[Act, Act]:
    """Have the answers lose those series that count failures, and four fifths of the others."""
    whole: dict[str, Events] = {}

    def fewer(all_of_them: Events) -> Events:
        def events(start: int, end: int) -> tuple[float | None, float | None]:
            bad, valid = all_of_them(start, end)
            return None if bad is None else 0.0, None if valid is None else valid / 5

        return events

    def strike(all_: Operators) -> None:
        prometheus = all_.around.prometheus
        whole.update({metric: prometheus.events[metric] for metric in ("matches", "reports")})
        prometheus.events |= {metric: fewer(each) for metric, each in whole.items()}
        prometheus.series |= dict.fromkeys(whole, SERIES // 5)

    def heal(all_: Operators) -> None:
        all_.around.prometheus.events |= whole
        all_.around.prometheus.series |= dict.fromkeys(whole, SERIES)

    return strike, heal


def _slow(_: random.Random) -> tuple[Act, Act]:
    def strike(all_: Operators) -> None:
        all_.around.prometheus.largest = 1

    def heal(all_: Operators) -> None:
        all_.around.prometheus.largest = None

    return strike, heal


def _refused(dice: random.Random) -> tuple[Act, Act]:
    status = dice.choice([403, 409, 429, 500, 503])

    def strike(all_: Operators) -> None:
        all_.around.api.refuses = status

    def heal(all_: Operators) -> None:
        all_.around.api.refuses = None

    return strike, heal


def _mishaps(dice: random.Random) -> tuple[Act, Act]:
    odds = dice.choice([0.2, 0.5, 0.8])

    def strike(all_: Operators) -> None:
        all_.around.api.mishaps = odds

    def heal(all_: Operators) -> None:
        all_.around.api.mishaps = 0.0

    return strike, heal


def _down(_: random.Random) -> tuple[Act, Act]:
    def strike(all_: Operators) -> None:
        all_.around.api.down = True

    def heal(all_: Operators) -> None:
        all_.around.api.down = False

    return strike, heal


def _blind(_: random.Random) -> tuple[Act, Act]:
    def strike(all_: Operators) -> None:
        all_.around.api.blind = True

    def heal(all_: Operators) -> None:
        withdraw(all_.around)
        all_.around.server.forget_news()
        all_.around.api.blind = False

    return strike, heal


def _killed(dice: random.Random) -> tuple[Act, Act]:
    writes = dice.randint(1, 6)
    return lambda all_: all_.around.api.interrupt(writes, all_.kill), Operators.replace_dead


def _stopped(dice: random.Random) -> tuple[Act, Act]:
    writes = dice.randint(1, 6)
    return lambda all_: all_.around.api.interrupt(writes, all_.stop_for_a_while), _nothing


def _apart(_: random.Random) -> tuple[Act, Act]:
    return Operators.cut_off_leader, lambda all_: all_.around.api.apart.clear()


def _resigned(_: random.Random) -> tuple[Act, Act]:
    return Operators.resign, _nothing


def _stripped(dice: random.Random) -> tuple[Act, Act]:
    workload = dice.choice([GATEWAY, PROFILE, MATCHER])
    patch = {
        "metadata": {
            "labels": {str(names.Label.RELEASES): None},
            "annotations": {str(each): dice.choice([None, "nonsense"]) for each in names.Annotation},
        }
    }
    return lambda all_: all_.around.server.change(
        WORKLOADS[workload.kind], workload.namespace, workload.name, patch
    ), _nothing


def _gates(all_: Operators, dice_roll: float) -> Iterator[tuple[str, str]]:
    found = sorted(all_.around.server.of(GATES))
    if found:
        chosen = found[int(dice_roll * len(found))]
        yield chosen.namespace, chosen.name


def _gate_edited(dice: random.Random) -> tuple[Act, Act]:
    roll = dice.random()
    edit = dice.choice([{"rule": "Warn"}, {"by": []}, {"since": "2020-01-01T00:00:00Z"}, {"good": [], "running": None}])

    def strike(all_: Operators) -> None:
        for where in _gates(all_, roll):
            all_.around.server.change(GATES, *where, {"spec": edit})

    return strike, _nothing


def _gate_deleted(dice: random.Random) -> tuple[Act, Act]:
    roll = dice.random()

    def strike(all_: Operators) -> None:
        for where in _gates(all_, roll):
            all_.around.server.drop(GATES, *where)

    return strike, _nothing


def _unlabelled(dice: random.Random) -> tuple[Act, Act]:
    namespace, label = dice.choice(NAMESPACES_THERE), str(names.Label.ENFORCED)

    def strike(all_: Operators) -> None:
        there = all_.around.server.get(NAMESPACES, "", namespace)
        labels = {} if there is None else there["metadata"].get("labels", {})
        turned = "nonsense" if labels.get(label) == "true" else "true"
        all_.around.server.change(NAMESPACES, "", namespace, {"metadata": {"labels": {label: turned}}})

    return strike, _nothing


def _mode(dice: random.Random) -> tuple[Act, Act]:
    def labelled(mode: str | None) -> Act:
        patch = {"metadata": {"labels": {str(names.Label.MODE): mode}}}
        return lambda all_: all_.around.server.change(NAMESPACES, "", "chat", patch)

    return labelled(dice.choice(["Observe", "Warn", "obsreve"])), labelled(None)


KINDS = [
    Kind("Prometheus is away", 40 * MINUTE, _prometheus(DOWN)),
    Kind("Prometheus answers with warnings", 40 * MINUTE, _prometheus(Partial(("a store is away",)))),
    Kind("rules are not evaluated", 40 * MINUTE, _prometheus(Failed(Failure.NOT_RECORDED, "5 minutes old"))),
    Kind("some metrics cannot be had", 40 * MINUTE, _some_metrics),
    Kind("answers lose series", 4 * MINUTE, _series_lost),
    Kind("Prometheus answers small questions only", 40 * MINUTE, _slow),
    Kind("the API server refuses writes", 30 * MINUTE, _refused),
    Kind("some writes go wrong", 40 * MINUTE, _mishaps),
    Kind("the API server is away", 20 * MINUTE, _down),
    Kind("watches lose what happens", 30 * MINUTE, _blind),
    Kind("the leader is killed while it writes", 20 * MINUTE, _killed),
    Kind("the leader is stopped while it writes", 1 * MINUTE, _stopped),
    Kind("the leader is cut off", 20 * MINUTE, _apart),
    Kind("the leader resigns", 1 * MINUTE, _resigned),
    Kind("marks are changed by hand", 1 * MINUTE, _stripped, at_once=True),
    Kind("a gate is edited", 1 * MINUTE, _gate_edited, at_once=True),
    Kind("a gate is deleted", 1 * MINUTE, _gate_deleted, at_once=True),
    Kind("our label on a namespace is changed", 1 * MINUTE, _unlabelled, at_once=True),
    Kind("the mode of a namespace is changed", 30 * MINUTE, _mode, loosens="chat"),
]


def drawn(seed: int, count: int = len(KINDS)) -> list[Fault]:
    """Return faults in order of time; at most two at a time, and none beside what is put right at once."""
    dice = random.Random(seed)
    found: list[Fault] = []
    kinds = [kind for _ in range(1 + count // len(KINDS)) for kind in dice.sample(KINDS, len(KINDS))][:count]
    for kind in kinds:
        for _ in range(20):
            begin = dice.randrange(FIRST, LAST, 30)
            end = begin + max(60, dice.randrange(kind.longest_s // 4, kind.longest_s + 1, 30))
            beside = [each for each in found if begin - 20 * MINUTE < each.end and each.begin < end + 20 * MINUTE]
            alone = kind.at_once or any(each.at_once or each.what == kind.what for each in beside)
            if beside and (alone or len(beside) > 1):
                continue
            found.append(Fault(kind.what, begin, end, *kind.make(dice), kind.at_once, kind.loosens))
            break
    return sorted(found, key=lambda each: each.begin)
