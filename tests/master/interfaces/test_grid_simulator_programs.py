"""Programs on the simulated grid: those of the original, and the example."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def test_a_program_of_the_original_works_unchanged() -> None:
    from pymw import interfaces, pymw

    def worker_avail(worker_num: int) -> tuple[list[int], list[int]]:
        return [100 for i in range(1000)], [i % 2 for i in range(1000)]

    def task_run_estimate(worker: Any) -> float:
        return float(60 / worker._speed)

    def scheduler(task_list: list[Any], worker_list: list[Any]) -> tuple[Any, Any]:
        return task_list[0], worker_list[0]

    interface_obj = interfaces.grid_simulator.GridSimulatorInterface()
    pymw_master = pymw.PyMW_Master(interface=interface_obj, scheduler_func=scheduler)
    interface_obj.generate_workers(10, lambda worker_num: 2, worker_avail)
    tasks = [pymw_master.submit_task(task_run_estimate) for i in range(100)]
    for task in tasks:
        res_task, result = pymw_master.get_result(task)
        assert res_task is task
        assert result.wall == pytest.approx(15 if result.start % 200 < 186 else 115)
    stats = pymw_master.get_status()
    del stats["tasks"]
    assert (stats["num_total_workers"], stats["num_executed_tasks"]) == (10, 100)
    # Six tasks and two thirds of one fit into the first 100 s, and the rest of the ten comes after the gap.
    assert stats["makespan"] == 350
    assert stats["total_cpu_time"] == 3000


def test_the_example_of_the_manual_prints_what_the_manual_says() -> None:
    manual = (ROOT / "docs" / "grid-simulator.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^ {4}.*\n|^\n)+", manual, re.MULTILINE)
    program, printed, *_ = (textwrap.dedent(block) for block in blocks if block.strip())
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == printed.strip(), done.stderr


def run_example(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "worker_sim.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_example_compares_policies_and_prints_the_same_table_every_time() -> None:
    first = run_example("-n", "20", "-t", "60")
    assert first.returncode == 0, first.stderr
    assert "60 tasks" in first.stdout
    assert "20 simulated workers" in first.stdout
    days = re.findall(r"([\d.]+) days +([\d.]+) days", first.stdout)
    assert len(days) == len(set(days)) == 4
    assert run_example("-n", "20", "-t", "60").stdout == first.stdout


@pytest.mark.parametrize("arguments", [["-i", "generic"], ["-n", "0"], ["-t", "0"], ["--fast"]])
def test_the_example_refuses_what_makes_no_sense_in_one_sentence(arguments: list[str]) -> None:
    done = run_example(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("worker_sim.py: error: ")
