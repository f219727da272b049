"""A desktop grid that exists on paper: workers, their availability over time, and the clock they share.

Nothing here waits or works: it computes when tasks would end. pymw.interfaces.grid_simulator lets a master
run its tasks on it.
"""
