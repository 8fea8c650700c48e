"""The kinds as models: what the API server stores, what the CRDs say, what the core is given."""
