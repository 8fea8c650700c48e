"""Prometheus: the one connection to it, and the source that reads counters from it directly."""
