"""AugDesc in DivideMix: which views serve which purpose, in a step, a fit and a resumed run."""

from typing import get_args

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from cli import call
from tiny import comparable, run_short
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.errors import Interrupted, UsageError
from lnlbench.interface.batch import Batch
from lnlbench.methods import dividemix as module
from lnlbench.methods.dividemix import DivideMix
from lnlbench.pieces import mixup
from lnlbench.pieces.augdesc import Augmentation
from lnlbench.pieces.mixture import Division
from lnlbench.system.interruption import StopRequest
from lnlbench.testing.small_runs import CPU, make_embedding_run, make_run

RANDAUGMENT = "randaugment:2:10"
# By the authors' presets: warm-up, then the views of a sample in the order of their lists.
VIEWS = {
    "runtime-w": ("weak", ["weak"] * 2),
    "runtime-s": ("weak", ["strong"] * 2),
    "raw": ("none", ["none"] * 2),
    "ww": ("weak", ["weak"] * 4),
    "ws": ("weak", ["strong", "strong", "weak", "weak"]),
    "ss": ("weak", ["strong"] * 4),
    "ws-saw": ("strong", ["strong", "strong", "weak", "weak"]),
    "ws-randaugment": ("weak", [RANDAUGMENT, RANDAUGMENT, "weak", "weak"]),
}
every_strategy = pytest.mark.parametrize("augmentation", VIEWS)


def params_of(augmentation, **others):
    chosen = {"randaugment_operations": 2, "randaugment_magnitude": 10}
    chosen = chosen if augmentation == "ws-randaugment" else {}
    return DivideMix.Params(augmentation=augmentation, **chosen, **others)


def test_every_strategy_is_here():
    assert set(VIEWS) == set(get_args(Augmentation))


# One step, with planted views


def linear_network():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 4))


def in_numpy(network):
    weight, bias = (part.detach().double().numpy() for part in network[1].parameters())
    return lambda images: np.reshape(images, (len(images), -1)) @ weight.T + bias


def planted_batch(count, views, seed):
    """A batch whose views have nothing in common, so that no mistake of routing goes unseen."""
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(count, 3, 2, 2, generator=generator) for _ in range(views)]
    return Batch(torch.arange(count), made, torch.arange(count) % 4)


@pytest.mark.parametrize("unlabeled", [True, False], ids=["both", "labeled alone"])
@every_strategy
def test_a_step_is_the_slow_one(augmentation, unlabeled):
    torch.manual_seed(0)
    count = len(VIEWS[augmentation][1])
    batch, other = planted_batch(5, count, 1), planted_batch(7, count, 2) if unlabeled else None
    network, peer = linear_network(), linear_network()
    belief = torch.rand(5)
    run = make_run()
    method = DivideMix(params_of(augmentation))
    run.generator = torch.Generator().manual_seed(17)
    loss = method._loss(run, network, peer, batch, other, belief, 0.5)

    generator = torch.Generator().manual_seed(17)
    share = mixup.draw_share(method.params.mixup_alpha, generator)
    permutation = torch.randperm(24 if unlabeled else 10, generator=generator).tolist()
    views = [view.double().numpy() for view in batch.views]
    others = [view.double().numpy() for view in other.views] if other else []
    descent, other_descent = views[:2], others[:2]
    # Two views serve both purposes; of four, the last two are queries alone.
    queries, other_queries = (views[2:], others[2:]) if count == 4 else (descent, other_descent)
    inputs, targets = slow.mixed_batch(
        in_numpy(network),
        in_numpy(peer),
        descent,
        batch.labels.tolist(),
        belief.tolist(),
        other_descent,
        method.params.temperature,
        (share, permutation),
        queries,
        other_queries,
    )
    expected = slow.step_loss(in_numpy(network)(inputs), targets, 10, 25 * 0.5, 1.0)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


# A whole fit: what is asked for, and when


class SpyViews(ImageViews):
    """Notes every augmentation that is drawn."""

    drawn: list

    def draw(self, augment, count, generator):
        self.drawn.append(augment)
        return super().draw(augment, count, generator)


def spied_run(max_epochs=2, samples=50):
    images = torch.randint(
        0, 256, (samples, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    views = SpyViews(images, (0.5,) * 3, (0.25,) * 3, "crop-flip", CPU)
    views.drawn = []
    return views, make_run(samples=samples, max_epochs=max_epochs, views=views)


@every_strategy
def test_warm_up_and_training_ask_for_the_views_of_the_strategy(augmentation, monkeypatch):
    belief = torch.linspace(0, 1, 50)  # 25 labeled in 3 steps, 25 unlabeled in as many
    monkeypatch.setattr(module, "divide", lambda *given, **settings: Division(belief.clone()))
    views, run = spied_run()
    method = DivideMix(params_of(augmentation, warmup_epochs=1))
    method.fit(run)
    warmup, each = VIEWS[augmentation]
    labeled_then_unlabeled = [*each, *each]
    assert views.drawn == [warmup] * 2 + labeled_then_unlabeled * 2
    for network in method.trained_networks():
        assert all(value.isfinite().all() for value in network.state_dict().values())


def test_losses_are_of_unaugmented_samples(monkeypatch):
    seen = []
    _, run = spied_run()
    original = ImageViews.plain
    monkeypatch.setattr(
        ImageViews, "plain", lambda *given: seen.append(given[1:]) or original(*given)
    )
    DivideMix(params_of("ws", warmup_epochs=1)).fit(run)
    assert seen == [(0, 20), (20, 40), (40, 50)] * 2


def test_warm_up_has_a_batch_size_of_its_own(monkeypatch):
    sizes = []
    _, run = spied_run(max_epochs=1)
    monkeypatch.setattr(run, "step", lambda loss, optimizer: sizes.append(1))
    DivideMix(params_of("ws", warmup_epochs=1, warmup_batch_size=25)).fit(run)
    assert len(sizes) == 2 * 2


def test_a_stopped_and_resumed_run_equals_an_undisturbed_one(tmp_path, monkeypatch):
    short = {
        "params": {"augmentation": "ws-saw", "warmup_epochs": 1},
        "epochs": 2,
        "limit_train": 120,
    }
    whole = run_short("dividemix", tmp_path / "whole", **short)
    assert (whole.status, whole.error) == ("done", None)
    assert comparable(run_short("dividemix", tmp_path / "again", **short)) == comparable(whole)
    checks = []

    def check(self):
        checks.append(1)
        if len(checks) == 7:  # in the middle of the second epoch
            raise Interrupted("for this test")

    monkeypatch.setattr(StopRequest, "check", check)
    assert run_short("dividemix", tmp_path / "stopped", **short).status == "interrupted"
    resumed = run_short("dividemix", tmp_path / "stopped", **short)
    assert comparable(resumed) == comparable(whole)


# Refusals


def test_an_unknown_strategy_is_refused_by_name():
    result = call("run", "--track", "digits", "--method", "dividemix", "--set", "augmentation=sw")
    assert result.code == 2
    for text in (
        "'augmentation'",
        "given 'sw'",
        "'runtime-w'",
        "'ws-saw'",
        "methods show dividemix",
    ):
        assert text in result.err


@pytest.mark.parametrize("augmentation", ["ws", "ws-saw", "ws-randaugment", "runtime-s", "ss"])
def test_strong_views_of_embeddings_are_refused_before_any_training(augmentation):
    run = make_embedding_run()
    with pytest.raises(UsageError, match=r"On a track of embeddings there are no .* views"):
        DivideMix(params_of(augmentation)).fit(run)
    assert run.steps == 0


@pytest.mark.parametrize("augmentation", ["runtime-w", "ww", "raw"])
def test_weak_and_plain_views_of_embeddings_train(augmentation):
    run = make_embedding_run()
    DivideMix(params_of(augmentation, warmup_epochs=1)).fit(run)
    assert run.epoch == 2
