"""All that the operator watches."""

from collections.abc import Callable
from dataclasses import dataclass, field

from frostline.controller.namespaces import Namespaces
from frostline.controller.store import Store
from frostline.controller.workloads import Workloads


@dataclass(frozen=True, slots=True)
class Stores:
    """One store a kind; workloads of all kinds are in one."""

    objectives: Store = field(default_factory=Store)
    policies: Store = field(default_factory=Store)
    gates: Store = field(default_factory=Store)
    overrides: Store = field(default_factory=Store)
    sources: Store = field(default_factory=Store)
    namespaces: Namespaces = field(default_factory=Namespaces)
    workloads: Workloads = field(default_factory=Workloads)

    def on_change(self, *, cycle: Callable[[], None], enforcement: Callable[[], None]) -> None:
        """Have `cycle` called when something new has to be measured or judged, `enforcement` when only compared."""
        self.objectives.on_change(cycle)
        self.policies.on_change(cycle)
        self.sources.on_change(cycle)
        self.namespaces.on_change(cycle)
        self.gates.on_change(enforcement)
        self.overrides.on_change(enforcement)
        self.workloads.on_change(enforcement)
