"""Makes the test bench's fixtures known to every test."""

pytest_plugins = ["tests.bench.fixtures"]
