"""A project of the stock BOINC server: its folder, its database, and what pymw_setup adds to them."""
