"""The master: submits calls of functions as tasks to an interface, and hands back their values."""

from __future__ import annotations

import atexit
import concurrent.futures
import weakref
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from pymw import mapping
from pymw.dispatcher import Dispatcher, Match
from pymw.future import Future
from pymw.interfaces import choose
from pymw.options import Options
from pymw.work import Works

if TYPE_CHECKING:
    from pymw.display import Display, Lines

P = ParamSpec("P")
T = TypeVar("T")

_open: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


class Master(concurrent.futures.Executor):
    """Runs calls of functions as tasks, somewhere else.

        with pymw.Master("multicore") as master:
            futures = [master.submit(simulate, seed) for seed in range(100)]
            values = [future.result() for future in futures]

    It is a concurrent.futures.Executor whose futures know more (pymw.Future) and can be cancelled while they
    run. At the end of the `with` block it waits for all tasks; if the block is left by an exception, such as
    Ctrl-C, it stops them.
    """

    task_class: ClassVar[type[Future[Any]] | None] = None  # None: the interface's

    def __init__(
        self,
        interface: Any = None,
        *,
        run: str | PathLike[str] | None = None,
        allow: Iterable[type] = (),
        progress: bool = False,
        **options: Any,
    ) -> None:
        """Open an interface.

        interface: where tasks run: the name of an interface ("multicore", "generic", ...), one of
        pymw.interfaces, a concurrent.futures.Executor of another library, or an object with the original's
        methods. None: all cores of this computer. run: keep tasks and results in the run of this name, or in
        this folder, and do not run again what an earlier program of the run has finished (docs/runs.md).
        allow: classes of the program that values may be instances of where they come from strangers (boinc).
        progress: show how far all tasks are, on stderr. options: see pymw.Options; Master.options changes
        them for some tasks. Raises InterfaceError; RunError; TypeError or ValueError for options that make no
        sense.
        """
        self._run = run
        self._options = Options().changed(**options)
        self._interface = choose.interface(interface)
        self._interface.allow += tuple(allow)
        self._task_class = self.task_class or self._interface.task_class
        self._works = Works()
        self._dispatcher = self._make_dispatcher(None)
        _open.add(self._dispatcher)
        self._display = _display(self._dispatcher) if progress else None

    def _make_dispatcher(self, match: Match | None) -> Dispatcher:
        if self._run is None:
            return Dispatcher(self._interface, match)
        from pymw.run import RunDispatcher  # noqa: PLC0415  SQLite is for runs alone

        return RunDispatcher(self._interface, match, self._run)

    def options(self, **changes: Any) -> Master:
        """The same master with other options for what is submitted through it.

            quick = master.options(timeout=60, retries=2)
            future = quick.submit(simulate, seed)

        Closing one closes both. Raises TypeError or ValueError for options that make no sense.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._options = self._options.changed(**changes)
        return other

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call, fn(*args, **kwargs), as one task; returns at once.

        What travels is the function and the arguments as they are now. Raises FunctionError if they cannot
        travel; RuntimeError if this master is closed; RunError if its run cannot be used any more.
        """
        task: Future[T] = self._create(fn, args, kwargs, self._options)
        self._add(task)
        return task

    def _create(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Future[Any]:
        """A task that nobody works on yet. Raises FunctionError."""
        work = self._works.of(fn, options)
        bundle, call = self._interface.prepare(work, args, kwargs)
        task = self._task_class(work, bundle, call, options, self._dispatcher)
        self._dispatcher.identify(task, args, kwargs)
        return task

    def _add(self, task: Future[Any]) -> None:
        self._dispatcher.add(task)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
    ) -> Iterator[T]:
        """Like the built-in map, with the calls made by tasks; returns the values in order.

        chunksize: how many calls make up one task. None lets the interface choose: one, where a task is
        large; more and more while calls prove to be short, where tasks have to be. timeout: seconds, from
        now, after which waiting for a value raises TimeoutError. An exception that a call raises is raised
        in its place. Leaving the iterator early cancels what has not been asked for.
        """
        if chunksize is not None and chunksize < 1:
            raise ValueError(f"chunksize is {chunksize}: it must be 1 or more")
        width = self._interface.chunk_width
        if chunksize == 1 or (chunksize is None and (width == 0 or not self._may_chunk())):
            return mapping.one_by_one(self.submit, fn, iterables, timeout)
        return mapping.in_chunks(self.submit, fn, iterables, timeout, chunksize or 0, width)

    def _may_chunk(self) -> bool:
        """Whether a task may hold several calls. Not where limits are for each call, or each is kept."""
        return self._run is None and not (
            self._options.timeout or self._options.retries or self._options.portable
        )

    def as_completed(
        self, futures: Iterable[Future[T]], timeout: float | None = None
    ) -> Iterator[concurrent.futures.Future[T]]:
        """The futures as they end; concurrent.futures.as_completed."""
        return concurrent.futures.as_completed(futures, timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all tasks have ended, `timeout` seconds at most; returns whether they have."""
        return self._dispatcher.wait(timeout)

    def status(self) -> dict[str, Any]:
        """How many tasks wait, run, have finished, failed, were cancelled; and what the interface says."""
        return {**self._dispatcher.state(), "interface": self._interface.get_status()}

    def cancel(self) -> None:
        """Stop all tasks that have not ended."""
        for task in self._dispatcher.tasks():
            task.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End: wait for all tasks, or cancel them, then close the interface.

        With wait=False and without cancel_futures the tasks go on, and the program's end waits for them.
        """
        if cancel_futures:
            self.cancel()
        if wait or cancel_futures:
            self._dispatcher.wait()
            self._close()
        else:
            self._dispatcher.take_no_more()

    def _close(self) -> None:
        self._dispatcher.close()
        if self._display is not None:
            self._display.stop()
            self._display = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.shutdown(cancel_futures=kind is not None)


class Executor(Master):
    """A drop-in for concurrent.futures.ProcessPoolExecutor.

    max_workers: processes, None for one a core. options: as Master's. An interface may be given instead.
    """

    def __init__(self, max_workers: int | None = None, *, interface: Any = None, **options: Any) -> None:
        """As Master; max_workers is for the default interface. Raises ValueError, InterfaceError."""
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        super().__init__(choose.interface(interface, max_workers), **options)


def _display(dispatcher: Dispatcher) -> Display | Lines:
    """What shows how far the tasks are."""
    from pymw import display  # noqa: PLC0415  rich takes a while to import

    return display.start(dispatcher.state)


@atexit.register
def _close_all() -> None:
    """Programs need not close their masters. What they leave behind must not outlive them."""
    for dispatcher in list(_open):
        dispatcher.close()
