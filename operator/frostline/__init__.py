"""Frostline keeps the promises a service makes to its users."""

__version__ = "0.1.0"
