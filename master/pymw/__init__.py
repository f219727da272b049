"""PyMW: one Python program, its tasks on your cores, a cluster, or BOINC volunteers."""
