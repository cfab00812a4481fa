"""Drivers: one file a device; the only place that imports device libraries."""
