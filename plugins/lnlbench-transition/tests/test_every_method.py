"""What holds for every method: all checks pass, and it trains a head on frozen features."""

import pytest
import torch
from lnlbench_transition import register_methods

from lnlbench.testing import check_method
from lnlbench.testing.small_runs import make_embedding_run

each_method = pytest.mark.parametrize("method", register_methods(), ids=lambda each: each.name)


@pytest.mark.slow
@each_method
def test_every_check_passes(method):
    check_method(method)


@each_method
def test_it_trains_a_head_on_frozen_features(method):
    run = make_embedding_run()
    fitted = method(method.Params())
    fitted.fit(run)
    [network] = fitted.trained_networks()
    start = make_embedding_run().network()
    assert not torch.equal(network.classifier.weight, start.classifier.weight)
    assert fitted.predict(torch.zeros(2, 6)).isfinite().all()
