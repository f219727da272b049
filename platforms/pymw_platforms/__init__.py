"""One definition file per BOINC platform, and the code that loads them."""
