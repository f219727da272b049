"""Executors of other libraries, driven through the same interface."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pymw
import pytest
from loky.process_executor import ProcessPoolExecutor as LokyExecutor
from pymw import errors
from pymw.interfaces.base import Interface
from pymw.interfaces.executor import ExecutorInterface

from tests.master.interfaces.conformance import Shared
from tests.master.interfaces.tasks import SOON, die, eventually, same


class OnExecutor(Shared):
    survives_death = False
    stops_tasks = False

    def executor(self, workers: int) -> Executor:
        raise NotImplementedError

    def make(self, workers: int) -> Interface:
        return ExecutorInterface(self.executor(workers), workers)

    def release(self, interface: Interface) -> None:
        assert isinstance(interface, ExecutorInterface)
        interface.executor.submit(same, 1).result(SOON)  # it was left open
        interface.executor.shutdown()


class TestThreads(OnExecutor):
    own_streams = False
    own_processes = False
    takes_files = False

    def executor(self, workers: int) -> Executor:
        return ThreadPoolExecutor(workers)

    def test_values_are_the_objects_themselves(self, master: pymw.Master) -> None:
        lock = threading.Lock()
        assert master.submit(same, lock).result(SOON) is lock


class TestProcesses(OnExecutor):
    def executor(self, workers: int) -> Executor:
        import multiprocessing

        return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


class TestLoky(OnExecutor):
    def executor(self, workers: int) -> Executor:
        executor: Executor = LokyExecutor(workers)
        return executor


def test_a_dead_worker_ends_tasks_with_the_cause_and_later_ones_at_once() -> None:
    executor = LokyExecutor(2)
    try:
        with pymw.Master(executor) as master:
            error = master.submit(die, "exit").exception(SOON)
            assert isinstance(error, errors.WorkerDied) and "the executor has died" in str(error)
            later = master.submit(same, 1).exception(SOON)
            assert isinstance(later, errors.WorkerDied | errors.InterfaceError)
    finally:
        executor.shutdown()


def test_an_executor_that_is_shut_down_refuses() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pymw.Master(executor) as master:
        error = master.submit(same, 1).exception(SOON)
        assert isinstance(error, errors.InterfaceError) and "new executor" in str(error)


def test_no_more_is_handed_over_than_keeps_the_workers_busy() -> None:
    class Lazy(Executor):
        def __init__(self) -> None:
            self.calls: list[concurrent.futures.Future[Any]] = []

        def submit(self, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
            self.calls.append(concurrent.futures.Future())
            return self.calls[-1]

    lazy = Lazy()
    master = pymw.Master(ExecutorInterface(lazy, 3))
    futures = [master.submit(os.getpid) for _ in range(50)]
    eventually(lambda: len(lazy.calls) == 6)
    assert master.status()["waiting"] == 44
    for call in lazy.calls[:6]:
        call.set_exception(ValueError("engine trouble"))
    for future in futures[:6]:
        assert isinstance(future.exception(SOON), errors.InterfaceError)
    master.shutdown(cancel_futures=True)


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(errors.InterfaceError, match="submit"):
        ExecutorInterface(object())  # type: ignore[arg-type]
    with pytest.raises(errors.InterfaceError, match="1 or more"):
        ExecutorInterface(ThreadPoolExecutor(1), 0)
