"""Exit codes that BOINC knows in words (lib/error_numbers.h)."""

OK = 0
ABORTED_BY_CLIENT = 194
CHILD_FAILED = 195
OUT_OF_MEMORY = 205
INIT_FAILURE = 206
