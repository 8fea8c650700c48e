"""From the spec of an ErrorBudgetPolicy to what the core goes by."""

from types import MappingProxyType

from frostline.api.policy import PolicySpec
from frostline.core.durations import parse_duration
from frostline.core.policy import BurnBounds, Hysteresis, Level, Lift, Policy, Releases
from frostline.core.projection import Shape


def policy(spec: PolicySpec) -> Policy:
    """Return the policy that a spec describes, which must have been found to be in order."""
    rules, classes = spec.releases, spec.overrides
    return Policy(
        depleting=spec.levels.depleting,
        endangered=spec.levels.endangered,
        burn=BurnBounds(depleting=spec.burn.depleting, endangered=spec.burn.endangered),
        hysteresis=Hysteresis(spec.hysteresis.margin, parse_duration(spec.hysteresis.hold)),
        lift=Lift(hold=parse_duration(spec.lift.hold)),
        releases=Releases(
            mode=spec.mode,
            rules=MappingProxyType(
                {
                    Level.HEALTHY: rules.healthy,
                    Level.DEPLETING: rules.depleting,
                    Level.ENDANGERED: rules.endangered,
                    Level.EXHAUSTED: rules.exhausted,
                }
            ),
            override_classes=MappingProxyType(
                {
                    Level.HEALTHY: frozenset(classes.healthy),
                    Level.DEPLETING: frozenset(classes.depleting),
                    Level.ENDANGERED: frozenset(classes.endangered),
                    Level.EXHAUSTED: frozenset(classes.exhausted),
                }
            ),
            longest_override=parse_duration(classes.longest),
            shape=Shape(
                withheld=frozenset(spec.passes.withheld),
                ignored_annotations=frozenset(spec.passes.ignored_annotations),
                ignored_containers=frozenset(spec.passes.ignored_containers),
                ignored_volumes=frozenset(spec.passes.ignored_volumes),
            ),
        ),
    )
