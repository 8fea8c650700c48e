"""Every name that another program can see: groups, kinds, condition types, reasons, metrics, environment."""

from enum import StrEnum
from typing import Final

GROUP: Final = "frostline.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "frostline"

FIELD_MANAGER: Final = "frostline"
REPORTING_CONTROLLER: Final = "frostline.dev/operator"
REPORTING_WEBHOOK: Final = "frostline.dev/webhook"
BYPASS_GROUP: Final = "frostline:bypass"
"""Requests that carry this group pass every gate and guard; they are on record."""
DEFAULT_POLICY: Final = "default"
"""The ErrorBudgetPolicy of objectives that name none."""
DEFAULT_SOURCE: Final = "default"
"""The PrometheusSource of objectives that name none, in namespaces that name none."""
ENVIRONMENT_PREFIX: Final = "FROSTLINE_"
WEBHOOK_PATH: Final = "/review"
"""Where the webhook is asked."""


class Kind(StrEnum):
    """Kinds of the group."""

    SERVICE_LEVEL_OBJECTIVE = "ServiceLevelObjective"
    ERROR_BUDGET_POLICY = "ErrorBudgetPolicy"
    RELEASE_GATE = "ReleaseGate"
    RELEASE_OVERRIDE = "ReleaseOverride"
    PROMETHEUS_SOURCE = "PrometheusSource"


class Plural(StrEnum):
    """Resource names in URLs."""

    SERVICE_LEVEL_OBJECTIVES = "servicelevelobjectives"
    ERROR_BUDGET_POLICIES = "errorbudgetpolicies"
    RELEASE_GATES = "releasegates"
    RELEASE_OVERRIDES = "releaseoverrides"
    PROMETHEUS_SOURCES = "prometheussources"


class Label(StrEnum):
    """Labels that others can see or set."""

    RELEASES = f"{GROUP}/releases"
    """Our mark on a gated workload: Warn, Slush or Freeze. The webhook is asked about marked workloads only."""
    ENFORCED = f"{GROUP}/enforced"
    """Our mark on a namespace with a gate that holds: the admission policy looks at such namespaces only."""
    MODE = f"{GROUP}/mode"
    """Set by people on a namespace: Observe, Warn or Enforce, lowers the mode of policies there."""
    SOURCE = f"{GROUP}/source"
    """Set by people on a namespace: the PrometheusSource of objectives there that name none."""
    RULES_OF = f"{GROUP}/rules-of"
    """On objects with rules: the namespace of the operator that writes them. Others leave them alone."""
    ARMED = f"{GROUP}/armed"
    """On the bindings and the webhook configuration that the operator makes: the kill switch deletes what has it."""


class Annotation(StrEnum):
    """Our marks on a gated workload, for people."""

    OBJECTIVE = f"{GROUP}/objective"
    LEVEL = f"{GROUP}/level"
    SINCE = f"{GROUP}/since"
    MESSAGE = f"{GROUP}/message"


class Memory(StrEnum):
    """Annotations by which the operator remembers what it armed, so that what somebody deletes stays deleted."""

    FREEZE = f"{GROUP}/armed-freeze"
    KEEP = f"{GROUP}/armed-keep"
    WEBHOOK = f"{GROUP}/armed-webhook"


GUARD_PREFIX: Final = "frostline-guard-"
"""Policies of the chart that protect our own objects, and their bindings, begin with it."""


class Admission(StrEnum):
    """Admission policies, bindings and the webhook configuration, each binding named as its policy."""

    FREEZE = "frostline-freeze"
    KEEP = "frostline-keep"
    PROBE = "frostline-probe"
    """Tells whether the API server knows ReleaseGate as a parameter; it looks at one name in our namespace."""
    WEBHOOK_CONFIGURATION = "frostline"
    WEBHOOK = "releases.frostline.dev"
    FREEZE_WEBHOOK = "freeze.releases.frostline.dev"
    """Beside the other where the API server has no admission policies: refuses when it cannot be reached."""


class Condition(StrEnum):
    """Condition types in statuses."""

    ACCEPTED = "Accepted"
    MEASURED = "Measured"
    WITHIN_OBJECTIVE = "WithinObjective"
    RELEASES_OPEN = "ReleasesOpen"
    REVIEW_CURRENT = "ReviewCurrent"
    LIVE = "Live"
    """Of a ReleaseOverride: both gates let it pass."""
    REACHABLE = "Reachable"
    """Of a PrometheusSource: it answers."""


class Reason(StrEnum):
    """Reasons of conditions and Events."""

    # Accepted
    ACCEPTED = "Accepted"
    WARNINGS = "Warnings"
    INVALID = "Invalid"
    POLICY_NOT_USABLE = "PolicyNotUsable"
    # Measured
    MEASURED = "Measured"
    NO_TRAFFIC = "NoTraffic"
    REHYDRATING = "Rehydrating"
    NO_DATA = "NoData"
    STALE = "Stale"
    SEVERAL_SERIES = "SeveralSeries"
    SERIES_LOST = "SeriesLost"
    INCONSISTENT = "Inconsistent"
    PARTIAL = "Partial"
    QUERY_FAILED = "QueryFailed"
    RULES_NOT_EVALUATED = "RulesNotEvaluated"
    NOT_ACCEPTED = "NotAccepted"
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_NOT_ALLOWED = "SourceNotAllowed"
    SOURCE_NOT_USABLE = "SourceNotUsable"
    # Accepted and Reachable of a PrometheusSource
    CREDENTIALS_NOT_USABLE = "CredentialsNotUsable"
    ANSWERS = "Answers"
    DOES_NOT_ANSWER = "DoesNotAnswer"
    NOT_ASKED = "NotAsked"
    # WithinObjective
    TARGET_MET = "TargetMet"
    TARGET_MISSED = "TargetMissed"
    UNKNOWN = "Unknown"
    # ReleasesOpen
    OPEN = "Open"
    WARNED = "Warned"
    HELD = "Held"
    OBSERVED = "Observed"
    NOTHING_PROTECTED = "NothingProtected"
    NOT_DECIDED = "NotDecided"
    SWITCHED_OFF = "SwitchedOff"
    # Live
    LIVE = "Live"
    PENDING = "Pending"
    EXPIRED = "Expired"
    USED_UP = "UsedUp"
    CLASS_NOT_ALLOWED = "ClassNotAllowed"
    NOTHING_HELD = "NothingHeld"
    # ReviewCurrent
    REVIEW_CURRENT = "ReviewCurrent"
    REVIEW_OVERDUE = "ReviewOverdue"
    REVIEW_NEVER = "NeverReviewed"
    # Events
    LEVEL_CHANGED = "LevelChanged"
    RELEASES_HELD = "ReleasesHeld"
    RELEASES_WARNED = "ReleasesWarned"
    RELEASES_OPENED = "ReleasesOpened"
    ROLLED_BACK = "RolledBack"
    OVERRIDE_USED = "OverrideUsed"
    UNRECORDED_RELEASE = "UnrecordedRelease"
    RELEASE_REFUSED = "ReleaseRefused"
    BYPASS_USED = "BypassUsed"
    ARMED = "Armed"
    KILL_SWITCH = "KillSwitch"
    RULES_NOT_WRITTEN = "RulesNotWritten"
    RULES_WRITTEN = "RulesWritten"


class Metric(StrEnum):
    """Names of the operator's own metrics."""

    BUDGET_REMAINING_RATIO = "frostline_budget_remaining_ratio"
    SLI_RATIO = "frostline_sli_ratio"
    TARGET_RATIO = "frostline_objective_ratio"
    OBJECTIVE_INFO = "frostline_objective_info"
    BUDGET_SECONDS = "frostline_budget_seconds"
    BURN_RATE = "frostline_burn_rate"
    LEVEL = "frostline_level"
    MEASURED = "frostline_measured"
    OBJECTIVES = "frostline_objectives"
    OBJECTIVES_BY_LEVEL = "frostline_objectives_by_level"
    OBJECTIVES_BY_OUTCOME = "frostline_objectives_by_outcome"
    LEDGER_KNOWN_RATIO = "frostline_ledger_known_ratio"
    CYCLES = "frostline_cycles"
    CYCLE_SECONDS = "frostline_cycle_seconds"
    CYCLE_INTERVAL_SECONDS = "frostline_cycle_interval_seconds"
    EVENT_LOOP_LAG_SECONDS = "frostline_event_loop_lag_seconds"
    LIST_TIMESTAMP_SECONDS = "frostline_list_timestamp_seconds"
    QUERY_SECONDS = "frostline_prometheus_query_seconds"
    BREAKER = "frostline_prometheus_breaker"
    STATUS_WRITES = "frostline_status_writes"
    ENFORCEMENT_WRITES = "frostline_enforcement_writes"
    RULE_WRITES = "frostline_rule_writes"
    GATES = "frostline_release_gates"
    HELD_SINCE = "frostline_release_held_timestamp_seconds"
    ARRIVALS = "frostline_gated_releases"
    ARMED = "frostline_armed"
    LEADER = "frostline_leader"
    BUILD_INFO = "frostline_build_info"


class Recorded(StrEnum):
    """Names of the series that our rules record. The first part says what they are about: slo, a promise each."""

    BAD_5M = "slo:frostline_bad:rate5m"
    """Bad events a second. What an event is, the label `unit` says."""
    VALID_5M = "slo:frostline_valid:rate5m"
    ALLOWED = "slo:frostline_allowed:ratio"
    """1 − target: the share of the valid events that may be bad. Carries the labels that people route by."""
    BAD_1H = "slo:frostline_bad:rate1h"
    VALID_1H = "slo:frostline_valid:rate1h"
    SCRAPED_1H = "slo:frostline_scraped:ratio1h"
    """Share of the evaluations of an hour that found valid events to count; absent where all did."""
    EVALUATED_1H = "slo:frostline_evaluated:ratio1h"
    """How often rules were evaluated in an hour, as share of the hour before; absent where it was not less often."""
    BAD_EVENTS_1H = "slo:frostline_bad:events1h"
    BAD_EVENTS_6H = "slo:frostline_bad:events6h"
    BURN_5M = "slo:frostline_burn:rate5m"
    """Burn rates: share of bad events ÷ allowed share."""
    BURN_30M = "slo:frostline_burn:rate30m"
    BURN_1H = "slo:frostline_burn:rate1h"
    BURN_2H = "slo:frostline_burn:rate2h"
    BURN_6H = "slo:frostline_burn:rate6h"
    BURN_1D = "slo:frostline_burn:rate1d"
    BURN_3D = "slo:frostline_burn:rate3d"
    BURN_LIMIT = "slo:frostline_burn:limit"
    """The burn rate above which the alert of the label `pair` fires; absent where nothing could ever burn so fast."""
    LEAST_BAD = "slo:frostline_bad:least"
    """What must have been bad before anybody is paged, as `unit` counts."""
    REMAINING = "slo:frostline_budget_remaining:ratio"
    """Share of the budget that is left, at most 1."""
    FACTOR = "window:frostline_burn:factor"
    """Burn rates by `window` and `pair`, before any target is known; and lengths of windows in seconds."""


class RuleLabel(StrEnum):
    """Labels of recorded series and of alerts."""

    NAMESPACE = "namespace"
    NAME = "name"
    JOURNEY = "journey"
    """The user journey; of a promise that belongs to none its own name, so that grouping by it keeps them apart."""
    TIER = "tier"
    OWNER = "owner"
    WINDOW = "window"
    """The promise's window: 30d, or week, month, quarter."""
    UNIT = "unit"
    """What is counted: event, minute or slice."""
    ALERTING = "alerting"
    MINIMUM_BAD = "minimum_bad"
    """A promise's own choice of `slo:frostline_bad:least`; absent where it has the usual one."""
    REVIEW_DUE = "review_due"
    """The last day on which the next review is in time, as 2026-12-31; absent where none is on record."""
    PAIR = "pair"
    """Which burn limit: 1h, 6h, 1d, 3d; yellow, red."""
    PART = "part"
    """Tells the rules of one long table apart."""
    SEVERITY = "severity"


class Alert(StrEnum):
    """Names of alerts."""

    BURNS_FAST = "FrostlineBudgetBurnsFast"
    BURNS_SLOWLY = "FrostlineBudgetBurnsSlowly"
    YELLOW = "FrostlineYellow"
    RED = "FrostlineRed"
    HALF_GONE = "FrostlineBudgetHalfGone"
    EXHAUSTION_NEAR = "FrostlineBudgetExhaustionNear"
    NO_DATA = "FrostlineNoData"
    REVIEW_OVERDUE = "FrostlineReviewOverdue"
    OPERATOR_ABSENT = "FrostlineOperatorAbsent"
    NO_LEADER = "FrostlineNoLeader"
    SEVERAL_LEADERS = "FrostlineSeveralLeaders"
    CYCLES_STOPPED = "FrostlineCyclesStopped"
    CYCLES_SLOW = "FrostlineCyclesSlow"
    QUERIES_FAILING = "FrostlineQueriesFailing"
    WRITES_REFUSED = "FrostlineWritesRefused"
    LISTS_STALE = "FrostlineListsStale"
    FREEZE_NOT_HELD = "FrostlineFreezeNotHeld"
    WEBHOOK_ABSENT = "FrostlineWebhookAbsent"
    CERTIFICATE_ENDS = "FrostlineCertificateEnds"
    RULES_FAILING = "FrostlineRulesFailing"


class WebhookMetric(StrEnum):
    """Names of the webhook's own metrics."""

    DECISIONS = "frostline_webhook_decisions"
    REQUESTS = "frostline_webhook_requests"
    SECONDS = "frostline_webhook_request_seconds"
    GATES = "frostline_webhook_gates"
    INDEX_SYNCED = "frostline_webhook_index_synced"
    INDEX_HEARD = "frostline_webhook_index_heard_timestamp_seconds"
    CERTIFICATE_EXPIRY = "frostline_webhook_certificate_expiry_timestamp_seconds"
    CERTIFICATES_REFUSED = "frostline_webhook_certificates_refused"
    AUDIT_DROPPED = "frostline_webhook_audit_dropped"
    EVENTS = "frostline_webhook_events"
    BUILD_INFO = "frostline_webhook_build_info"


class AuditAnnotation(StrEnum):
    """Keys of what the webhook adds to the API server's audit log, below its own name."""

    DECISION = "decision"
    VERDICT = "verdict"
    GATE = "gate"
    OVERRIDE = "override"
