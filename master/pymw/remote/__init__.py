"""A project on another computer, through BOINC's web RPCs for job submission."""
