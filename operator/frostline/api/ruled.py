"""From an accepted manifest to what its rules are made of."""

from frostline.api.accept import Accepted, review_due
from frostline.api.objective import AlertChoice
from frostline.core.rules import Alerting, Promise


def ruled(namespace: str, name: str, accepted: Accepted, default: Alerting = Alerting.BURN) -> Promise:
    """Return the promise as rules and alerts know it; `default` is for those that choose no profile of alerts."""
    spec = accepted.spec
    chosen = spec.alerting or AlertChoice()
    return Promise(
        namespace=namespace,
        name=name,
        objective=accepted.objective,
        journey=spec.journey,
        tier=spec.tier,
        owner=spec.owner,
        alerting=chosen.profile or default,
        minimum_bad=chosen.minimum_bad,
        review_due=review_due(spec),
    )
