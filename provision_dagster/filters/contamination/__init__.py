"""Pictures and questions of benchmarks that stand in the data."""
