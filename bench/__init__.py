"""Benchmarks: what Frostline costs, in figures that a later change can be held against."""
