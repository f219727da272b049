"""Makes the test bench's fixtures, and the marks of faults, known to every test."""

import pytest

pytest_plugins = ["tests.bench.fixtures", "tests.faults.plugin", "pytester"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MPI goes last: it leaves a daemon and threads in this process, where others count children and fork."""
    items.sort(key=lambda item: item.path.name == "test_mpi.py")
