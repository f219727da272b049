"""What runs on the volunteer: the worker. Standard library only, Python 2.5 to the newest.

For task authors: pymw_worker.progress(fraction), and the module pymw_worker.checkpoint.
"""

from pymw_worker.reporting import progress

__all__ = ["progress"]
