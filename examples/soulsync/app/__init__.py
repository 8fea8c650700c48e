"""SoulSync, a dating app small enough to read: one program that plays any of its four workloads."""
