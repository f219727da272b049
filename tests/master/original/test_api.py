"""The original's API: each sentence about it is a test. Functions are as its programs have them."""

import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from pymw import interfaces, pymw

from tests.master.original.conftest import Make


def null_worker(data):  # type: ignore[no-untyped-def]
    return data


def err_worker():  # type: ignore[no-untyped-def]
    return 0 / 0


def print_worker():  # type: ignore[no-untyped-def]
    sys.stdout.write("stdout test")
    sys.stderr.write("stderr test")


def throw(seed):  # type: ignore[no-untyped-def]
    random.seed(seed)
    return helper(random.random())  # type: ignore[no-untyped-call]


def helper(number):  # type: ignore[no-untyped-def]
    return int(number * 10)


def square(numbers):  # type: ignore[no-untyped-def]
    return [number * number for number in numbers]


def plus(numbers):  # type: ignore[no-untyped-def]
    return sum(numbers)


def check_files(names):  # type: ignore[no-untyped-def]
    return all("booga" in open(name).read() for name in names)  # noqa: PTH123


def read_blocks(blocks):  # type: ignore[no-untyped-def]
    text = ""
    for path, first, end in blocks:
        with open(path) as stream:  # noqa: PTH123
            stream.seek(first)
            text += stream.read(end - first)
    return [text]


def test_from_pymw_import_star_gives_pymw_and_interfaces() -> None:
    names: dict[str, Any] = {}
    exec("from pymw import *", names)
    del names["__builtins__"]
    assert sorted(names) == ["interfaces", "pymw"]
    assert names["pymw"].PyMW_Master and names["interfaces"].generic.GenericInterface
    assert names["pymw"].interfaces is names["interfaces"]


def test_import_pymw_and_its_submodule_are_usable_side_by_side() -> None:
    code = "import pymw; from pymw import pymw as old; print(pymw.Master, old.PyMW_Master, pymw.pymw is old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("True\n")


def test_a_function_s_result_comes_with_its_task(master: pymw.PyMW_Master) -> None:
    task = master.submit_task(null_worker, input_data=(7,))
    assert master.get_result(task) == (task, 7)


def test_results_by_task_by_list_and_by_chance_come_once_each(make_master: Make) -> None:
    master = make_master(interfaces.generic.GenericInterface(num_workers=2))
    first, second, third = ([master.submit_task(null_worker, (i,)) for i in range(5)] for _ in range(3))
    assert [master.get_result(task)[1] for task in first] == [0, 1, 2, 3, 4]
    assert sorted(master.get_result(second)[1] for _ in second) == [0, 1, 2, 3, 4]
    assert sorted(master.get_result()[1] for _ in third) == [0, 1, 2, 3, 4]
    with pytest.raises(pymw.TaskException, match="handed out"):
        master.get_result()
    for task in (*first, *second, *third):
        total, execution = task.get_total_time(), task.get_execution_time()
        assert total is not None and execution is not None and 0 <= execution <= total


def test_without_blocking_there_may_be_none(master: pymw.PyMW_Master) -> None:
    def slow():  # type: ignore[no-untyped-def]
        import time

        time.sleep(0.3)
        return 1

    task = master.submit_task(slow)
    assert master.get_result(task, blocking=False) == (None, None)
    assert master.get_result([task], blocking=False) == (None, None)
    assert master.get_result(blocking=False) == (None, None)
    assert task.get_total_time() is None and task.get_execution_time() is None
    assert master.get_result(task) == (task, 1)


def test_what_was_never_submitted_raises_task_exception(make_master: Make) -> None:
    master = make_master()
    with pytest.raises(pymw.TaskException):
        master.get_result()
    task = master.submit_task(null_worker, (1,))
    for wrong in (1234, [1, 2, 3, 4], make_master().submit_task(null_worker, (1,))):
        with pytest.raises(pymw.TaskException):
            master.get_result(wrong)  # type: ignore[arg-type]
        with pytest.raises(pymw.TaskException):
            master.get_progress(wrong)  # type: ignore[arg-type]
    assert master.get_result() == (task, 1)


@pytest.mark.parametrize("wrong", [1, None, 2.5, [null_worker]])
def test_another_kind_of_executable_raises_task_exception(master: pymw.PyMW_Master, wrong: Any) -> None:
    with pytest.raises(pymw.TaskException, match="filename or function"):
        master.submit_task(executable=wrong)


def test_a_script_that_is_not_there_fails_at_get_result(master: pymw.PyMW_Master) -> None:
    task = master.submit_task(executable="dead_parrot")
    with pytest.raises(Exception, match="dead_parrot"):
        master.get_result(task)


def test_a_python_that_is_not_there_fails_at_get_result(make_master: Make) -> None:
    master = make_master(interfaces.generic.GenericInterface(python_loc="/nowhere/dead_parrot/python"))
    task = master.submit_task(null_worker, input_data=(1,))
    with pytest.raises(Exception, match="dead_parrot"):
        master.get_result(task)


def test_an_exception_in_the_task_is_raised_with_its_message_and_the_remote_traceback(
    master: pymw.PyMW_Master,
) -> None:
    task = master.submit_task(err_worker)
    with pytest.raises(pymw.TaskException) as caught:
        master.get_result(task)
    assert caught.value.args[0].count("division by zero") > 0
    assert "in err_worker" in str(caught.value) and "return 0 / 0" in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_stdout_and_stderr_of_a_task_are_kept(master: pymw.PyMW_Master) -> None:
    task, value = master.get_result(master.submit_task(print_worker, modules=("sys",)))
    assert task is not None
    assert (value, task._stdout, task._stderr) == (None, "stdout test", "stderr test")


def test_modules_and_dep_funcs_travel_as_source(master: pymw.PyMW_Master) -> None:
    task = master.submit_task(throw, (3,), modules=("random",), dep_funcs=(helper,))
    assert master.get_result(task) == (task, 2)
    assert task.bundle is not None and task.bundle.form == "source"


def test_data_files_are_in_the_task_s_folder(master: pymw.PyMW_Master, tmp_path: Path) -> None:
    paths = [tmp_path / "deep" / f"file{number}" for number in range(3)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text("booga")
    names = [path.name for path in paths]
    task = master.submit_task(check_files, (names,), data_files=tuple(str(path) for path in paths))
    assert master.get_result(task) == (task, True)


SCRIPT = """
import pickle, sys
with open(sys.argv[1], "rb") as stream:
    data = pickle.load(stream)
print("said", len(sys.argv))
with open(sys.argv[2], "wb") as stream:
    {write}
"""


@pytest.mark.parametrize(
    ("write", "value", "stdout"),
    [
        ("pickle.dump(data[0] * 2, stream)", 42, "said 3\n"),
        ("pickle.dump([data[0], 'out', 'err'], stream)", 21, "out"),
        ("stream.write(b'plain bytes')", b"plain bytes", "said 3\n"),
    ],
)
def test_a_script_gets_the_names_of_its_input_and_output_file(
    master: pymw.PyMW_Master, tmp_path: Path, write: str, value: Any, stdout: str
) -> None:
    (tmp_path / "program.py").write_text(SCRIPT.format(write=write))
    task = master.submit_task("program.py", input_data=(21,))
    assert master.get_result(task) == (task, value)
    assert task._stdout == stdout


def test_a_script_that_fails_says_how(master: pymw.PyMW_Master, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; sys.exit(3)")
    with pytest.raises(pymw.TaskException, match="exit status 3"):
        master.get_result(master.submit_task("program.py"))


def test_progress_is_0_at_the_start_and_1_at_the_end(master: pymw.PyMW_Master) -> None:
    def half(mark: str) -> None:
        import time
        from pathlib import Path

        import pymw_worker

        pymw_worker.progress(0.5)
        while not Path(mark).exists():
            time.sleep(0.01)

    mark = Path("mark").absolute()
    task, waiting = master.submit_task(half, (str(mark),)), master.submit_task(null_worker, (1,))
    end = time.monotonic() + 30
    while master.get_progress(task) != [0.5] and time.monotonic() < end:
        time.sleep(0.01)
    assert master.get_progress([task, waiting]) == [0.5, 0.0]
    mark.touch()
    master.get_result(task)
    assert task.get_progress() == 1.0


def test_the_status_holds_all_tasks_and_what_the_interface_says(master: pymw.PyMW_Master) -> None:
    tasks = [master.submit_task(null_worker, (1,)) for _ in range(3)]
    status = master.get_status()
    assert status["tasks"] == tasks and status["num_total_workers"] == 1


def test_map_reduce_with_a_reduction_for_each_map(make_master: Make) -> None:
    master = make_master(interfaces.generic.GenericInterface(num_workers=2))
    task = pymw.PyMW_MapReduce(master).submit_task_mapreduce(
        square, plus, 10, input_data=list(range(1, 21)), modules=(), dep_funcs=()
    )
    found, values = master.get_result(task)
    assert found is task and len(values) == 10 and sum(values) == 2870
    assert master.get_status()["tasks"] == [task]  # its steps are its own affair


def test_map_reduce_with_fewer_reductions_joins_the_lists(master: pymw.PyMW_Master) -> None:
    task = pymw.PyMW_MapReduce(master).submit_task_mapreduce(square, plus, 3, list(range(8)), red_worker=2)
    assert master.get_result(task)[1] == [0 + 1 + 4 + 9, 16 + 25 + 36 + 49]


def test_map_reduce_over_files_splits_their_bytes_evenly(master: pymw.PyMW_Master, tmp_path: Path) -> None:
    for name, text in (("a", "abcdefg"), ("b", ""), ("c", "hij")):
        (tmp_path / name).write_text(text)

    def count(texts):  # type: ignore[no-untyped-def]
        return texts

    task = pymw.PyMW_MapReduce(master).submit_task_mapreduce(
        read_blocks, count, 3, [["a"], ["b"], ["c"]], red_worker=1, file_input=True
    )
    assert master.get_result(task)[1] == [["abcd", "efg", "hij"]]


def test_a_map_reduce_fails_by_the_error_of_its_step(master: pymw.PyMW_Master) -> None:
    def broken(numbers):  # type: ignore[no-untyped-def]
        raise LookupError("no numbers today")

    task = pymw.PyMW_MapReduce(master).submit_task_mapreduce(broken, plus, 2, [1, 2])
    with pytest.raises(pymw.TaskException, match="no numbers today"):
        master.get_result(task)


def test_a_scheduler_function_gets_tasks_and_workers(make_master: Make) -> None:
    seen = []

    def match(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        seen.append((list(tasks), list(workers)))
        if tasks[0].input_data == (1,) and len(tasks) < 2:
            return None, None  # nothing fits; it is asked again
        return tasks[-1], workers[-1]

    master = make_master(interfaces.generic.GenericInterface(num_workers=1), scheduler_func=match)
    tasks = [master.submit_task(null_worker, (number,)) for number in (1, 2)]
    assert master.get_result(tasks[1]) == (tasks[1], 2)
    assert all(isinstance(task, pymw.PyMW_Task) for task in seen[0][0]) and seen[0][1] == [0]


def test_a_program_that_never_closes_its_master_ends_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        textwrap.dedent("""
            from pymw import *
            def square(x): return x*x
            master = pymw.PyMW_Master(interfaces.generic.GenericInterface(num_workers=2))
            tasks = [master.submit_task(square, (i,)) for i in range(5)]
            for task in tasks:
                task_obj, result = master.get_result(task)
                print(result)
        """)
    )
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("0\n1\n4\n9\n16\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]
