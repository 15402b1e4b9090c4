"""Dagster only: assets, checks, sensors, resources. The work is done by the rooms beside this package."""
