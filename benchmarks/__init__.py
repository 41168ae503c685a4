"""Measurements: each prints a table, and is never a timed test."""
