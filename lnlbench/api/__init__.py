"""What people use from Python: runs, results and lists, with the errors that commands show."""
