"""`python -m lnlbench`."""

from lnlbench.cli import main

main()
