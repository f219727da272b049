"""What a BOINC client expects of an application.

Facts from the BOINC tree, checked against client 7.20.5; no code of it.
"""
