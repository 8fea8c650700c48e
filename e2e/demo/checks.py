"""What each step of the demo must have shown. Pure functions: statuses in, findings out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from e2e.demo.history import Exact
from e2e.demo.promises import CORE
from e2e.demo.reading import Deployed, LevelEvent, Reading, Readings

# In points of budget. Live traffic adds to what is known exactly: good events, so a little budget.
BUDGET_TOLERANCE = 1.5
# In points of budget, while another journey is broken.
UNAFFECTED_TOLERANCE = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was expected and what was seen."""

    what: str
    expected: str
    seen: str
    holds: bool


@dataclass(frozen=True)
class Said:
    """What a command came to: its exit code and all it printed."""

    code: int
    text: str


def workloads_scraped(expected: Iterable[str], up: Iterable[str]) -> Finding:
    """Expect that Prometheus reaches every workload of the app."""
    wanted, found = sorted(expected), sorted(up)
    return Finding("Prometheus scrapes the app", f"up: {', '.join(wanted)}", f"up: {', '.join(found)}", wanted == found)


def all_measured(names: Iterable[str], seen: Readings) -> list[Finding]:
    """Expect every objective to be there with Measured=True."""
    findings = []
    for name in names:
        reading = seen.get(name)
        words = "no such object" if reading is None else f"Measured={reading.measured} ({reading.why})"
        holds = reading is not None and reading.measured
        findings.append(Finding(f"{name} is measured", "Measured=True", words, holds))
    return findings


def budgets_exact(exact: Mapping[str, Exact], seen: Readings) -> list[Finding]:
    """Compare the budgets that Frostline keeps, and their levels, with those that history was written with."""
    findings = []
    for name, answer in exact.items():
        reading = seen.get(name)
        remaining = reading.remaining if reading else None
        known = answer.remaining_percent
        near = remaining is not None and abs(remaining - known) <= BUDGET_TOLERANCE
        expected = f"{known:.2f} % (± {BUDGET_TOLERANCE}), {level_of(known)}"
        figures = "none" if remaining is None else f"{remaining:.2f} %, {reading.level if reading else None}"
        holds = near and reading is not None and reading.level == level_of(known)
        findings.append(Finding(f"budget of {name}", expected, figures, holds))
    return findings


def level_of(remaining: float) -> str:
    """Level that a budget alone gives (remaining in percent)."""
    if remaining <= 0:
        return "Exhausted"
    if remaining < 30:
        return "Endangered"
    return "Depleting" if remaining <= 70 else "Healthy"


def is_exhausted(reading: Reading | None) -> bool:
    """Say whether the budget is gone and the level says so."""
    if reading is None or reading.remaining is None:
        return False
    return reading.level == "Exhausted" and reading.remaining <= 0


def exhausted(name: str, track: Sequence[Reading]) -> list[Finding]:
    """Expect that the budget fell, never rising, until it was gone and the objective not kept any more."""
    last = track[-1] if track else None
    state = "nothing" if last is None else f"{last.remaining} %, {last.level}, WithinObjective={last.within}"
    figures = [each.remaining for each in track if each.remaining is not None]
    falling = all(after <= before for before, after in pairwise(figures))
    path = " → ".join(f"{figure:.1f}" for figure in figures) or "no figures"
    gone = is_exhausted(last) and last is not None and last.within == "False"
    return [
        Finding(f"{name} ran out of budget", "0 % or less, Exhausted, WithinObjective=False", state, gone),
        Finding(f"the budget of {name} only fell", "each figure at most the one before", path, falling),
    ]


def unaffected(before: Readings, after: Readings) -> list[Finding]:
    """Expect objectives of the journeys that were not broken to stand where they stood."""
    findings = []
    for name, old in before.items():
        if old.journey == CORE:
            continue
        new = after.get(name)
        same = (
            new is not None
            and new.measured
            and new.level == old.level
            and old.remaining is not None
            and new.remaining is not None
            and abs(new.remaining - old.remaining) <= UNAFFECTED_TOLERANCE
        )
        seen = "gone" if new is None else f"{new.remaining} %, {new.level}"
        findings.append(
            Finding(f"{name} is unaffected", f"{old.remaining} % (± {UNAFFECTED_TOLERANCE}), {old.level}", seen, same)
        )
    return findings


def event_tells(name: str, events: Sequence[LevelEvent]) -> Finding:
    """Expect an Event on the objective that says that its level became Exhausted."""
    own = [event.sentence for event in events if event.slo == name]
    expected = f"a LevelChanged event on {name} that names Exhausted"
    seen = "; ".join(own) or f"none on it, {len(events)} on others"
    return Finding("an Event tells it", expected, seen, any("Exhausted" in sentence for sentence in own))


def stays_exhausted(name: str, seen: Readings) -> Finding:
    """Expect that a repaired fault does not repair the budget."""
    reading = seen.get(name)
    state = "gone" if reading is None else f"{reading.remaining} %, {reading.level}"
    return Finding(
        f"{name} stays Exhausted after the repair",
        "Exhausted, measured",
        state,
        reading is not None and reading.measured and reading.level == "Exhausted",
    )


def held(names: Iterable[str], rules: Mapping[str, str], deployed: Mapping[str, Deployed]) -> list[Finding]:
    """Expect each of these workloads to be frozen: a gate that says so, and marks that say so to people."""
    findings = []
    for name in names:
        rule, marks = rules.get(name), _marks(name, deployed)
        seen = f"{rule or 'no gate'}, {', '.join(marks) or 'no marks'}"
        findings.append(Finding(f"{name} is frozen", "Freeze, with marks", seen, rule == "Freeze" and bool(marks)))
    return findings


def refused(name: str, by: str, said: Said, image: str, deployed: Mapping[str, Deployed]) -> list[Finding]:
    """Expect a release to be refused by the webhook, in the name of the objective `by`, and `image` to run on."""
    told = "admission webhook" in said.text and by in said.text
    return [
        Finding("the release is refused", "an exit code other than 0", f"exit code {said.code}", said.code != 0),
        Finding("the webhook says why", f'"admission webhook", and {by}', said.text.strip() or "nothing", told),
        _runs(name, image, deployed),
    ]


def passed(name: str, said: Said, image: str, deployed: Mapping[str, Deployed]) -> list[Finding]:
    """Expect a command to have passed and the workload to have this image."""
    seen = f"exit code {said.code}: {said.text.strip() or 'nothing said'}"
    return [Finding("the command passes", "exit code 0", seen, said.code == 0), _runs(name, image, deployed)]


def warned(said: Said) -> Finding:
    """Expect that kubectl printed a warning."""
    return Finding("kubectl warns", '"Warning:"', said.text.strip() or "nothing", "Warning:" in said.text)


def is_live(said: Said) -> Finding:
    """Expect that `frostline override` says that the override counts."""
    seen = f"exit code {said.code}: {said.text.strip() or 'nothing said'}"
    return Finding(
        "the override counts", 'exit code 0, "is live until"', seen, said.code == 0 and "is live" in said.text
    )


def is_lifted(names: Iterable[str], rules: Mapping[str, str], deployed: Mapping[str, Deployed]) -> bool:
    """Say whether nothing holds these workloads back, and no mark is left on them."""
    return all(finding.holds for finding in lifted(names, rules, deployed))


def lifted(names: Iterable[str], rules: Mapping[str, str], deployed: Mapping[str, Deployed]) -> list[Finding]:
    """Expect neither gate nor marks on these workloads."""
    findings = []
    for name in names:
        rule, marks = rules.get(name), _marks(name, deployed)
        seen = f"{rule or 'no gate'}, {', '.join(marks) or 'no marks'}"
        clean = name in deployed and rule is None and not marks
        findings.append(Finding(f"{name} is open", "no gate, no marks", seen, clean))
    return findings


def recovered(name: str, seen: Readings) -> Finding:
    """Expect that some budget is there again, and the level with it."""
    reading = seen.get(name)
    left = None if reading is None else reading.remaining
    state = "gone" if reading is None else f"{left} %, {reading.level}, WithinObjective={reading.within}"
    good = reading is not None and left is not None and left > 0 and reading.level == level_of(left)
    return Finding(f"{name} has budget again", "more than 0 %, and the level of it", state, good)


def recorded(wanted: Iterable[str], reasons: Iterable[str]) -> Finding:
    """Expect an Event of each of these reasons."""
    expected, seen = set(wanted), set(reasons)
    words = ", ".join(sorted(expected & seen)) or "none of them"
    return Finding("Events are on record", ", ".join(sorted(expected)), words, expected <= seen)


def _runs(name: str, image: str, deployed: Mapping[str, Deployed]) -> Finding:
    seen = deployed[name].image if name in deployed else "no such Deployment"
    return Finding(f"image of {name}", image, seen, seen == image)


def _marks(name: str, deployed: Mapping[str, Deployed]) -> tuple[str, ...]:
    return deployed[name].marks if name in deployed else ()
