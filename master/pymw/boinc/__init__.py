"""How the BOINC interface reaches a project: one small class for each kind of project."""
