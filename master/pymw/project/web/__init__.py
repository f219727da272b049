"""The project's web page, for volunteers and for the project's owner. Nothing here is asked for by clients,
except that they read the address of the scheduler out of the first page."""
