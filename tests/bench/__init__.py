"""What the tests run things on: a 32-bit Linux, a Windows, BOINC clients real and played, many Pythons."""
