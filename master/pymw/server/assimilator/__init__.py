"""pymw_assimilator: the daemon of a stock project that hands over what has ended to TASK_DIR."""
