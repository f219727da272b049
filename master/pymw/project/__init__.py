"""A whole BOINC project in one Python process: any unmodified BOINC client attaches to it.

`project.Project` is for the master, `serve` for the clients, `project_cli` for people. What a client says and
expects was checked with the real ones, 7.20.5 and 8.3.0; the words are BOINC's.
"""
