"""The project's owner submits from another computer: BOINC's web RPCs for job submission, served."""
