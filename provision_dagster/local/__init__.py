"""Configuration of a Dagster instance on one machine."""
