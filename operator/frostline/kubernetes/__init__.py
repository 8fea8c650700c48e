"""The Kubernetes API: the official client in one place."""
