"""What users feel when an indicator falls."""

from enum import StrEnum


class Category(StrEnum):
    """What users feel."""

    AVAILABILITY = "Availability"
    LATENCY = "Latency"
    QUALITY = "Quality"
    CORRECTNESS = "Correctness"
    FRESHNESS = "Freshness"
    COVERAGE = "Coverage"
    DURABILITY = "Durability"
    SATURATION = "Saturation"
