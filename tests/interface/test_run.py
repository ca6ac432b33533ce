"""The Run: batches, views, logits, steps, seeds, epochs."""

import re
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lnlbench.augment.blocks import batch_bounds
from lnlbench.errors import UsageError
from lnlbench.testing.small_runs import make_run


@given(st.integers(1, 300), st.integers(1, 64), st.booleans())
def test_batches_cover_all_samples_once_and_none_is_larger_than_it_must(count, size, merge):
    bounds = batch_bounds(count, size, merge_single=merge)
    assert [i for start, stop in bounds for i in range(start, stop)] == list(range(count))
    lengths = [stop - start for start, stop in bounds]
    assert max(lengths) <= size + merge
    if merge and count > 1 and size > 1:
        assert min(lengths) > 1


def test_a_shuffled_pass_yields_every_sample_once_with_its_own_label():
    run = make_run(samples=49)
    batches = list(run.batches(views=1))
    index = torch.cat([batch.index for batch in batches])
    assert index.sort().values.tolist() == list(range(49))
    assert index.tolist() != list(range(49))
    assert all(torch.equal(batch.labels, run.labels[batch.index]) for batch in batches)
    # 49 = 16 + 16 + 17: the single sample that is left over joins the batch before it.
    assert [len(batch.index) for batch in batches] == [16, 16, 17]


@pytest.mark.parametrize("as_mask", [True, False])
def test_batches_of_some_indices(as_mask):
    run = make_run()
    wanted = torch.zeros(50, dtype=torch.bool)
    wanted[[3, 8, 21]] = True
    given = wanted if as_mask else wanted.nonzero().squeeze(1)
    (batch,) = run.batches(given, views=3, shuffle=False)
    assert batch.index.tolist() == [3, 8, 21]
    assert [view.shape for view in batch.views] == [(3, 3, 32, 32)] * 3
    assert not torch.equal(batch.views[0], batch.views[1])


def test_no_indices_give_no_batches():
    run = make_run()
    assert list(run.batches(torch.zeros(50, dtype=torch.bool))) == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (torch.ones(50), "float32 of shape (50,)"),
        (torch.ones(3, dtype=torch.bool), "bool of shape (3,)"),
        (torch.zeros(2, 2, dtype=torch.int64), "int64 of shape (2, 2)"),
    ],
)
def test_what_names_no_samples_is_refused(given, shown):
    with pytest.raises(UsageError, match=re.escape(shown)):
        next(make_run().batches(given))


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (lambda weight: None, "given None. Is a return missing?"),
        (lambda weight: weight.item(), "given a float"),
        (lambda weight: weight.repeat(4), "has shape (4,)"),
        (lambda weight: weight.sum().detach(), "No gradient leads"),
    ],
)
def test_a_loss_that_no_gradient_can_start_from_is_refused(loss, shown):
    run, network = make_run(), nn.Linear(1, 1, bias=False)
    with pytest.raises(UsageError, match=re.escape(shown)):
        run.step(loss(network.weight.view(1)), run.optimizer(network))


def test_a_step_needs_optimizers_that_are_optimizers():
    run, network = make_run(), nn.Linear(1, 1, bias=False)
    loss = network.weight.sum()
    with pytest.raises(UsageError, match="has no optimizer"):
        run.step(loss)
    with pytest.raises(UsageError, match="given a Linear"):
        run.step(loss, network)
    with pytest.raises(UsageError, match=r"of one number, .* given a SGD"):
        run.step(run.optimizer(network), loss)


@pytest.mark.parametrize("value", [torch.zeros(4), None, "0.5"])
def test_only_one_number_can_be_logged(value):
    with pytest.raises(UsageError, match=r"run\.log\(share=…\) takes one number"):
        make_run().log(share=value)


def test_what_is_logged_holds_no_graph():
    run = make_run(max_epochs=1)
    next(run.epochs())
    weight = torch.ones(1, requires_grad=True)
    product = 2 * weight
    graph = weakref.ref(product)
    run.log(share=product)
    del product
    assert graph() is None
    assert run.logged.means() == {"share": 2.0}


def test_unaugmented_views_are_the_plain_images():
    run = make_run()
    (batch,) = run.batches(torch.arange(10), views=2, augment="none", shuffle=False)
    plain = run._host.views.plain(0, 10)
    assert torch.equal(batch.views[0], plain)
    assert torch.equal(batch.views[1], plain)
    with pytest.raises(UsageError, match=r"'stong'.*Did you mean 'strong'"):
        list(run.batches(augment="stong"))


def test_order_and_augmentation_have_streams_of_their_own():
    def first(**options):
        return next(make_run().batches(batch_size=50, **options))

    one, more_views, no_shuffle = first(views=1), first(views=2), first(views=1, shuffle=False)
    assert torch.equal(one.index, more_views.index)
    # The k-th view drawn is the same whether or not the order is shuffled, sample rank by rank.
    shuffled_plain = one.views[0][one.index.argsort()]
    assert not torch.equal(shuffled_plain, no_shuffle.views[0])


def test_epochs_restart_every_stream_from_seed_axis_and_epoch():
    def draws(first_epoch):
        run = make_run(max_epochs=4, restore=lambda: first_epoch)
        seen = {}
        for epoch in run.epochs():
            index = torch.cat([batch.index for batch in run.batches(views=1)])
            noise = torch.rand(3, generator=run.generator)
            seen[epoch] = (index.tolist(), noise.tolist(), torch.rand(2).tolist())
        return seen

    whole, rest = draws(0), draws(2)
    assert list(rest) == [2, 3]
    assert rest[2] == whole[2]
    assert rest[3] == whole[3]
    assert whole[0] != whole[1]


def test_networks_start_differently_and_reproducibly():
    one, two = make_run(), make_run()
    first, second, again = one.network(), one.network(), two.network()
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)


def test_logits_are_those_of_eval_mode_and_the_mode_comes_back():
    run = make_run()
    network = run.network()
    for training in (True, False):
        network.train(training)
        logits = run.logits(network)
        assert network.training is training
        assert not logits.is_inference()
        network.eval()
        with torch.no_grad():
            expected = network(run._host.views.plain(0, 50))
        torch.testing.assert_close(logits, expected)


def test_a_step_follows_the_gradient_and_the_schedule():
    run = make_run()
    network = nn.Linear(1, 1, bias=False)
    optimizer = run.optimizer(network)
    rates = []
    for _ in run.epochs():
        before = network.weight.detach().clone()
        run.step((3 * network.weight).sum(), optimizer)
        rates.append(float(before - network.weight.detach()) / 3)
        assert run.logged.latest("loss") == pytest.approx(3 * float(before))
        assert run.logged.losses_were_finite()
    assert rates == pytest.approx([0.1, 0.05, 0.025])


def test_a_loss_that_is_not_finite_is_remembered_to_the_end_of_its_epoch():
    run = make_run(max_epochs=2)
    network = nn.Linear(1, 1, bias=False)
    optimizer = run.optimizer(network)
    finite = []
    for epoch in run.epochs():
        for factor in (1.0, float("inf") if epoch == 0 else 1.0, 1.0):
            network.weight.data.fill_(1.0)
            run.step((factor * network.weight).sum(), optimizer)
        finite.append(run.logged.losses_were_finite())
    assert finite == [False, True]


def test_logged_scalars_become_the_mean_of_their_epoch():
    run = make_run(max_epochs=2)
    means = []
    for epoch in run.epochs():
        for value in (1.0, 2.0, torch.tensor(6.0)):
            run.log(share=value + epoch)
        means.append(run.logged.means())
    assert means == [{"share": 3.0}, {"share": 4.0}]
