"""Strong views: the policy after crop and flip, by batches or made ahead, and wrong names."""

import pytest
import torch
from smooth_images import images_of, seeded

from lnlbench.augment.policies import find_policy
from lnlbench.augment.views import ImageViews
from lnlbench.errors import UsageError
from lnlbench.seeds import generator_for
from lnlbench.testing.small_runs import CPU, make_run

STRONG = ("strong", "randaugment:1:6", "randaugment:3:30")


def views_of(images, policy="crop-flip"):
    return ImageViews(images, (0.5,) * images.shape[1], (0.25,) * images.shape[1], policy, CPU)


@pytest.mark.parametrize("augment", STRONG)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_strong_view_is_the_policy_after_crop_and_flip(augment, channels):
    views = views_of(images_of(40, channels))
    draw = views.draw(augment, 40, seeded())
    assert torch.equal(draw[:, :3], views.draw("weak", 40, seeded()))
    index = torch.arange(40)
    changed = find_policy(augment).apply(views.pixels(index, draw[:, :3]), draw[:, 3:])
    found = views.view(index, draw, augment)
    assert (found.dtype, found.shape) == (torch.float32, (40, channels, 32, 32))
    torch.testing.assert_close(found, (changed.float() / 255 - 0.5) / 0.25, atol=1e-5, rtol=1e-5)
    assert not torch.equal(found, views.view(index, draw[:, :3]))


@pytest.mark.parametrize("augment", STRONG)
def test_a_strong_view_depends_on_its_draw_and_not_on_the_batch(augment):
    views = views_of(images_of(90))
    index, draw = torch.arange(90), views.draw(augment, 90, seeded())
    assert torch.equal(draw, views.draw(augment, 90, seeded()))
    whole = views.view(index, draw, augment)
    order = torch.randperm(90, generator=seeded())
    shuffled = views.view(index[order], draw[order], augment)
    assert torch.equal(shuffled, whole[order])
    for start, stop in ((0, 1), (1, 8), (8, 90)):
        part = views.view(index[start:stop], draw[start:stop], augment)
        assert torch.equal(part, whole[start:stop])


@pytest.mark.parametrize("name", ["strnog", "autoaugment"])
def test_an_unknown_augmentation_is_refused(name):
    with pytest.raises(UsageError, match=rf"'{name}'.*randaugment:N:M.*strong"):
        make_run().require_views("weak", name)


@pytest.mark.parametrize(
    "name",
    [
        "randaugment",
        "randaugment:1",
        "randaugment:0:5",
        "randaugment:1:31",
        "randaugment:x:5",
        "randaugment:1:-2",
    ],
)
def test_randaugment_needs_a_number_of_operations_and_a_magnitude(name):
    with pytest.raises(UsageError, match=r"0 to 30, not .*Example: randaugment:1:6"):
        find_policy(name)


# Batches


def test_each_view_of_a_batch_has_its_own_augmentation():
    names = ("weak", "none", "strong", "randaugment:2:9")
    run, weak = make_run(), make_run()
    for batch, two in zip(run.batches(augment=names), weak.batches(views=1), strict=True):
        plain = torch.cat([run._host.views.plain(i, i + 1) for i in batch.index.tolist()])
        assert torch.equal(batch.index, two.index)
        assert torch.equal(batch.views[0], two.views[0])
        assert torch.equal(batch.views[1], plain)
        assert len(batch.views) == 4
        assert not torch.equal(batch.views[2], batch.views[3])


def test_one_augmentation_for_all_views_is_the_same_as_naming_it_for_each():
    one, other = make_run().batches(), make_run().batches(augment=("weak", "weak"))
    for first, second in zip(one, other, strict=True):
        assert all(map(torch.equal, first.views, second.views))


def test_views_and_augmentations_of_different_numbers_are_refused():
    with pytest.raises(UsageError, match="3 views do not fit 2 augmentations"):
        next(make_run().batches(views=3, augment=("weak", "strong")))


@pytest.mark.parametrize(("block", "calls"), [(1, 4), (20, 4), (32, 2), (1000, 1)])
def test_strong_views_made_ahead_are_those_made_batch_by_batch(monkeypatch, block, calls):
    run = make_run()
    views, sizes = run._host.views, []
    monkeypatch.setattr(views, "block", lambda augment: block)
    original = views.view

    def view(index, draw, augment):
        sizes.append(len(index))
        return original(index, draw, augment)

    monkeypatch.setattr(views, "view", view)
    batches = list(run.batches(augment=("strong",)))
    assert (len(batches), len(sizes), sum(sizes)) == (4, calls, 50)
    index = torch.cat([batch.index for batch in batches])
    # The stream of a call is named by seed, epoch and the number of the call.
    draw = views.draw("strong", 50, generator_for(0, "augmentation", 0, 1))
    expected = [
        original(*rows, "strong") for rows in zip(index.split(1), draw.split(1), strict=True)
    ]
    assert torch.equal(torch.cat([batch.views[0] for batch in batches]), torch.cat(expected))
