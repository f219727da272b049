"""PyMW: one Python program, its tasks on your cores, a cluster, or BOINC volunteers.

    import pymw

    with pymw.Master() as master:
        print(list(master.map(simulate, range(1000))))

Programs for the original PyMW write `from pymw import *`, which gives the modules `pymw` and `interfaces`.
"""

from concurrent.futures import ALL_COMPLETED as ALL_COMPLETED
from concurrent.futures import FIRST_COMPLETED as FIRST_COMPLETED
from concurrent.futures import FIRST_EXCEPTION as FIRST_EXCEPTION
from concurrent.futures import CancelledError as CancelledError
from concurrent.futures import as_completed as as_completed
from concurrent.futures import wait as wait

from pymw.errors import ArgumentError as ArgumentError
from pymw.errors import FunctionError as FunctionError
from pymw.errors import InterfaceError as InterfaceError
from pymw.errors import KeyFileError as KeyFileError
from pymw.errors import LoadError as LoadError
from pymw.errors import ModuleMissing as ModuleMissing
from pymw.errors import OutOfMemory as OutOfMemory
from pymw.errors import ProjectConflict as ProjectConflict
from pymw.errors import ProjectError as ProjectError
from pymw.errors import PyMWError as PyMWError
from pymw.errors import Refused as Refused
from pymw.errors import RemoteTraceback as RemoteTraceback
from pymw.errors import ResultLost as ResultLost
from pymw.errors import RunError as RunError
from pymw.errors import TaskError as TaskError
from pymw.errors import TimeLimitExceeded as TimeLimitExceeded
from pymw.errors import UntrustedResult as UntrustedResult
from pymw.errors import ValueLost as ValueLost
from pymw.errors import VersionMismatch as VersionMismatch
from pymw.errors import WorkerDied as WorkerDied
from pymw.future import Future as Future
from pymw.master import Executor as Executor
from pymw.master import Master as Master
from pymw.options import Options as Options

__all__ = ["interfaces", "pymw"]
