"""The names of all files that the worker's two processes and the workunit share, in the slot folder."""

# Logical names of the workunit's files; the command line may give others.
BUNDLE = "pymw_bundle"
ARGUMENTS = "pymw_arguments"
RESULT = "pymw_result"
LOG = "pymw_log"

# What supervisor and task tell each other.
TASK_FOLDER = "pymw_task"
OUTCOME = "pymw_outcome"
TRACEBACK = "pymw_traceback"
PROGRESS = "pymw_progress"
CHECKPOINT = "pymw_checkpoint"
STATE = "pymw_state"

# In the task's folder: what a process started by multiprocessing's "spawn" runs as its __main__.
MAIN = "pymw_main.py"

# Environment variable of the task and of every process it starts: the absolute path of the slot folder.
SLOT_VARIABLE = "PYMW_SLOT"

# Environment variable of the worker: the id of its process if the launcher has let it adopt orphans.
SUBREAPER_VARIABLE = "PYMW_SUBREAPER"
