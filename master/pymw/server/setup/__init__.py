"""`pymw_setup`: makes a project of the stock BOINC server run PyMW's tasks, and checks that it can."""
