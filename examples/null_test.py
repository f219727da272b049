"""What tasks cost that do nothing: the original's API, times, data of a given size.

python examples/null_test.py -i multicore -n 2 --num_tasks 1000
"""

import optparse
import time

from pymw import interfaces, pymw


def null_worker(data):  # type: ignore[no-untyped-def]
    """Send back what came."""
    return data


def main() -> None:
    """Submit the tasks, fetch their results, print rates."""
    parser = optparse.OptionParser(usage="%prog [options]", description=(__doc__ or "").splitlines()[0])
    parser.add_option("-t", "--num_tasks", type="int", default=100, metavar="N", help="number of tasks")
    parser.add_option(
        "-s", "--task_size", type="int", default=1, metavar="N", help="data of a task, in KiB each way"
    )
    options, _ = interfaces.parse_options(parser)

    started = time.monotonic()
    master = pymw.PyMW_Master(interface=interfaces.get_interface(options))
    ready = time.monotonic()
    data = bytes(1024 * options.task_size)
    tasks = [master.submit_task(null_worker, input_data=(data,)) for _ in range(options.num_tasks)]
    for task in tasks:
        master.get_result(task)
    passed = time.monotonic() - ready

    sent = 2 * options.task_size * options.num_tasks / 1024
    print(f"workers: {options.n_workers}, tasks: {options.num_tasks}, data: {options.task_size} KiB each way")
    print(f"starting: {ready - started:.3f} s, all tasks: {passed:.3f} s")
    print(f"a task: {1000 * passed / options.num_tasks:.3f} ms, {options.num_tasks / passed:,.0f} tasks/s")
    print(f"data: {sent:.1f} MiB, {sent / passed:.1f} MiB/s")


if __name__ == "__main__":
    main()
