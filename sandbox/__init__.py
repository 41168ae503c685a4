"""Runs untrusted programs. Standard library and docker only; knows nothing of rewards."""
