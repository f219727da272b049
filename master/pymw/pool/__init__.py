"""What runs inside the worker processes of a pool, whoever started them.

`call.run` runs one task and says how it ended; `batch.run` runs many, in a process of `process.begin`.
"""
