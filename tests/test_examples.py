"""The examples run on every interface that is for them, and print what they should."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = {
    "monte_pi": (["--num_tests", "200000", "--tasks", "4"], "pi is about 3.1"),
    "prime_finder": (["--max_val", "1000", "--tasks", "8"], "112 primes of the form n*n + 1"),
    "string_counter": (["--words", "1", "tests/test_examples.py"], " words, "),
    "genetic_algorithm": (["--total_generations", "2", "--num_individuals", "8"], "generation   1: best"),
    "null_test": (["--num_tasks", "10"], "tasks: 10, data: 1 KiB each way"),
}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("interface", ["generic", "multicore"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_its_result(name: str, interface: str) -> None:
    options, words = EXAMPLES[name]
    done = run(f"examples/{name}.py", "-i", interface, "-n", "2", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_the_simulation_compares_policies() -> None:
    done = run("examples/worker_sim.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "fastest worker first" in done.stdout


@pytest.mark.parametrize("name", [*EXAMPLES, "worker_sim"])
def test_help_tells_the_options(name: str) -> None:
    done = run(f"examples/{name}.py", "--help")
    assert done.returncode == 0
    assert "--interface" in done.stdout and "--num_workers" in done.stdout


def test_an_interface_that_there_is_not_is_named() -> None:
    done = run("examples/monte_pi.py", "-i", "nowhere")
    assert done.returncode == 2
    assert "invalid choice: 'nowhere'" in done.stderr and "grid_simulator" in done.stderr
