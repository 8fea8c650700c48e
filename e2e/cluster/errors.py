"""The one error that people see."""


class ClusterError(Exception):
    """One sentence for a person: what was tried, on what, and what to do."""


class PartError(ClusterError):
    """A process was started and ended, or did not become ready."""
