"""What runs on the volunteer: the worker. Standard library only, Python 2.5 to the newest."""
