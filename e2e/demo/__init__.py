"""The demo: a month of a dating app's promises, then one bad minute, on a real API server and a real Prometheus."""
