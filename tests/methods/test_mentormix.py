"""MentorMix: its partners, its shares and its second weighting, against slow versions."""

import pytest
import slow_methods as slow
import torch

from lnlbench.methods.mentormix import MentorMix, choose_partners, mentored_shares
from lnlbench.testing.small_runs import make_run


def test_partners_are_drawn_by_the_softmax_of_the_weights():
    weights = torch.tensor([1.0, 0.0, 0.6, 1.0, 0.0])
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([choose_partners(weights, generator) for _ in range(8000)])
    measured = (torch.bincount(draws, minlength=5) / len(draws)).tolist()
    assert measured == pytest.approx(slow.partner_probabilities(weights.tolist()), abs=0.01)


def test_four_of_five_partners_are_of_weight_one_when_six_of_ten_samples_are():
    weights = torch.tensor([1.0] * 60 + [0.0] * 40)
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([choose_partners(weights, generator) for _ in range(300)])
    assert (draws < 60).float().mean().item() == pytest.approx(0.8, abs=0.01)


def test_suspect_samples_get_the_smaller_share():
    weights = torch.tensor([1.0, 0.5, 0.49, 0.0])
    shares = torch.tensor([0.7, 0.8, 0.9, 0.6])
    reference = [
        slow.mentored_share(share, weight)
        for share, weight in zip(shares.tolist(), weights.tolist(), strict=True)
    ]
    assert mentored_shares(shares, weights).tolist() == pytest.approx(reference)


def mixed(params, network=None):
    """MentorMix's images and labels for the first batch of a run, and what went in."""
    run = make_run(network=network or (lambda: torch.nn.Sequential(torch.nn.Flatten(), nn4())))
    method = MentorMix(params)
    method.network = run.network()
    method.threshold = torch.zeros(())
    method.weights = torch.full((50,), 0.25)
    next(run.epochs())
    batch = next(run.batches(views=1))
    images, labels = method._mix(run, batch, 50)
    return method, batch, images, labels


def nn4():
    return torch.nn.Linear(3 * 32 * 32, 4)


def test_images_and_labels_are_mixed_alike():
    method, batch, images, labels = mixed(MentorMix.Params(curriculum="self-paced"))
    given, one_hot = batch.views[0], torch.eye(4)[batch.labels]
    for i, weight in enumerate(method.weights[batch.index].tolist()):
        if torch.allclose(images[i], given[i], atol=1e-5):
            continue  # its own partner
        fits = []
        for j in range(len(given)):
            difference = (given[i] - given[j]).flatten()
            if j == i:
                continue
            share = (
                torch.dot((images[i] - given[j]).flatten(), difference) / difference.square().sum()
            )
            blend = share * given[i] + (1 - share) * given[j]
            if torch.allclose(blend, images[i], atol=1e-4):
                fits.append((j, share.item()))
        [(j, share)] = fits
        assert (share > 0.5) == (weight >= 0.5)
        expected = share * one_hot[i] + (1 - share) * one_hot[j]
        assert torch.allclose(labels[i], expected, atol=1e-3)
    assert (method.weights == 0.25).sum() == 50 - len(batch.index)


def test_weighing_uses_batch_statistics_and_leaves_the_running_ones_alone():
    def network():
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(3072), nn4())

    method, *_ = mixed(MentorMix.Params(), network)
    layer = method.network[1]
    assert layer.training
    assert layer.momentum == 0.1
    assert (layer.running_mean == 0).all()
    assert (layer.running_var == 1).all()


@pytest.mark.parametrize("second", [False, True])
def test_the_second_weighting_keeps_a_threshold_of_its_own(second):
    run = make_run(max_epochs=2)
    params = MentorMix.Params(second_weighting=second, curriculum="self-paced", burn_in=0)
    method = MentorMix(params)
    method.network, method.mixed_threshold = (lambda images: images), torch.zeros(())
    method.decay = 0.0
    logits = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.softmax(torch.randn(9, 4, generator=torch.Generator().manual_seed(1)), 1)
    log_probabilities = torch.log_softmax(logits, 1)
    losses = (-(labels * log_probabilities).sum(1)).tolist()
    measured = method._loss(run, logits, labels, 50).item()
    if not second:
        assert measured == pytest.approx(sum(losses) / 9, rel=1e-5)
        assert method.mixed_threshold == 0
        return
    [threshold] = slow.thresholds([losses], params.loss_percentile, 0.5)
    kept = [loss for loss in losses if loss <= threshold]
    assert method.mixed_threshold.item() == pytest.approx(threshold, rel=1e-5)
    assert measured == pytest.approx(sum(kept) / 9, rel=1e-5)


@pytest.mark.parametrize(("dropped", "decay"), [(False, 5e-4), (True, 0.0)])
def test_the_weight_decay_trap_is_a_choice(dropped, decay):
    run = make_run(
        max_epochs=1,
        build_optimizer=lambda module: torch.optim.SGD(
            module.parameters(), lr=0.01, weight_decay=5e-4
        ),
    )
    method = MentorMix(MentorMix.Params(drop_weight_decay=dropped))
    method.fit(run)
    assert method.optimizer.param_groups[0]["weight_decay"] == decay
