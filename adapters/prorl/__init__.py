"""The ProRL trainer: a thin layer over TRL (ProRL sections 2 and 3)."""
