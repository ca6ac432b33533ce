"""What methods are for: wrong labels found, little lost without them, nothing broken by many."""

import functools

import pytest
import torch
from planted import accuracy, planted_run
from registry import BUILTIN, WITHOUT_BELIEF

every_method = pytest.mark.parametrize("name", BUILTIN)
each_with_a_belief = pytest.mark.parametrize("name", sorted(set(BUILTIN) - WITHOUT_BELIEF))


def trained(name, noise_rate, **settings):
    """A method fitted to planted noise, with images and clean labels, and its run."""
    method = BUILTIN[name]
    run, images, clean = planted_run(noise_rate, method=method, **settings)
    # Paces that fit a run of twelve epochs.
    paces = {"warmup_epochs": 4, "ramp_up": 3, "mentor_steps": 500}
    known = {key: pace for key, pace in paces.items() if key in method.Params.model_fields}
    fitted = method(method.Params(**known))
    fitted.fit(run)
    return fitted, run, images, clean


@functools.cache
def cross_entropy_accuracy(noise_rate):
    method, _, images, clean = trained("ce", noise_rate)
    return accuracy(method, images, clean)


@each_with_a_belief
def test_a_belief_finds_the_clean_labels(name):
    method, run, _, clean = trained(name, 0.4)
    belief = method.clean_probability()
    right = run.labels == clean
    selected = belief > 0.5
    assert selected.float().mean() > 0.2
    # MentorNet's percentile keeps 75 % by design, of which at most 80 % can be right.
    assert right[selected].float().mean() > 0.7, "the base rate is 0.6"
    assert belief[right].mean() > belief[~right].mean() + 0.15


@every_method
def test_without_noise_little_is_lost_against_cross_entropy(name):
    method, _, images, clean = trained(name, 0.0)
    assert accuracy(method, images, clean) >= cross_entropy_accuracy(0.0) - 0.05


@every_method
def test_ninety_percent_noise_breaks_nothing(name):
    method, run, images, _ = trained(name, 0.9, max_epochs=6)
    assert run.logged.losses_were_finite()
    for network in method.trained_networks():
        assert all(value.isfinite().all() for value in network.state_dict().values())
        network.eval()
    with torch.inference_mode():
        assert method.predict(images).isfinite().all()


@every_method
def test_seeds_decide(name):
    def logits(seed):
        method, _, images, _ = trained(name, 0.4, max_epochs=2, seed=seed)
        with torch.inference_mode():
            return method.predict(images)

    assert torch.equal(logits(0), logits(0))
    # These draw nothing: their pages say that all seeds give one result.
    assert torch.equal(logits(0), logits(1)) == (name in ("knn", "linear-probe"))
