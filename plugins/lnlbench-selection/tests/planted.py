"""Runs over separable features, some of whose labels are wrong."""

import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.testing.small_runs import CPU, as_backbone, make_run

FEATURES = 6


class StrongAsWeak(EmbeddingViews):
    """Features whose strong views are their weak ones."""

    def check(self, augment):
        """Everything may be asked for."""

    def draw(self, augment, count, generator):
        """What a weak view draws."""
        return super().draw("weak", count, generator)

    def view(self, index, draw, augment="weak"):
        """A weak view."""
        return super().view(index, draw)


def planted_run(wrong=0.3, samples=400, kind=EmbeddingViews, **changes):
    """A run over features of 4 classes, and the right labels; a share `wrong` has other labels."""
    generator = torch.Generator().manual_seed(7)
    right = torch.arange(samples) % 4
    centers = 3 * torch.eye(4, FEATURES)
    features = (centers[right] + torch.randn(samples, FEATURES, generator=generator)).half()
    other = (centers[right] + torch.randn(samples, FEATURES, generator=generator)).half()
    labels = mislabeled(right, wrong, generator)
    views = kind([features, other], Standardization.of(features), CPU)
    changes = {"network": lambda: as_backbone(nn.Linear(FEATURES, 4)), **changes}
    return make_run(views=views, labels=labels, **changes), right


def planted_images(wrong=0.3, samples=200, **changes):
    """The same over images of four classes, each of which is bright in another quarter."""
    generator = torch.Generator().manual_seed(7)
    right = torch.arange(samples) % 4
    images = torch.randint(0, 100, (samples, 3, 32, 32), dtype=torch.uint8, generator=generator)
    for i, place in enumerate(right.tolist()):
        rows, columns = (slice(16 * side, 16 * side + 16) for side in divmod(place, 2))
        images[i, :, rows, columns] += 100
    labels = mislabeled(right, wrong, generator)
    views = ImageViews(images, (0.3,) * 3, (0.2,) * 3, "crop", CPU)
    return make_run(samples=samples, views=views, labels=labels, **changes), right


def mislabeled(right, wrong, generator):
    """The labels, but a share `wrong` of them replaced by one of the other three classes."""
    flipped = torch.rand(len(right), generator=generator) < wrong
    others = (right + torch.randint(1, 4, right.shape, generator=generator)) % 4
    return torch.where(flipped, others, right)


def accuracy(method, run, right):
    """How often the method predicts the right class of the run's plain samples."""
    for network in method.trained_networks():
        network.eval()
    batches = run.batches(views=1, augment="none", shuffle=False)
    with torch.no_grad():
        predicted = torch.cat([method.predict(batch.views[0]).argmax(1) for batch in batches])
    return (predicted == right).float().mean().item()
