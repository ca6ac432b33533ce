"""The columns of every table: heading, cell, value, and the tables in which each one stands."""
