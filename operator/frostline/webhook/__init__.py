"""The process that the API server asks about changes of gated workloads."""
