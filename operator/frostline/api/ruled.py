"""From an accepted manifest to what its rules are made of."""

from frostline.api.accept import Accepted
from frostline.core.rules import Alerting, Promise


def ruled(namespace: str, name: str, accepted: Accepted, default: Alerting = Alerting.BURN) -> Promise:
    """Return the promise as rules and alerts know it; `default` is for those that choose no profile of alerts."""
    terms = accepted.terms
    return Promise(
        namespace=namespace,
        name=name,
        objective=accepted.objective,
        journey=terms.journey,
        tier=terms.tier,
        owner=terms.owner,
        alerting=terms.alerting or default,
        minimum_bad=terms.minimum_bad,
        review_due=terms.review_due,
    )
