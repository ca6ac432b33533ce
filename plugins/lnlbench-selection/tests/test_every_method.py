"""Every check of every method."""

import pytest
from lnlbench_selection import register_methods

from lnlbench.testing import check_method


@pytest.mark.slow
@pytest.mark.parametrize("method", register_methods(), ids=lambda method: method.name)
def test_every_check_passes(method):
    check_method(method)
