"""Which samples are alike: copies with different labels, and trusted examples to compare with."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lnlbench.embeddings.views import Standardization
from lnlbench.pieces.neighbors import nearest
from lnlbench.seeds import generator_for

# Cosines of centered, scaled features above which two images count as one.
SAME, NEAR = 0.9999, 0.95
# With fewer features, different samples may well lie in the same direction.
_FEWEST_FEATURES = 64
_CLOSEST = 8
_SKETCH = 64


def unit_vectors(features: Tensor) -> Tensor:
    """Features [N, D], each centered and scaled, as vectors of length 1, float16 [N, D]."""
    standardization = Standardization.of(features)
    return torch.cat(
        [
            normalize((rows.float() - standardization.mean) * standardization.scale, dim=1).half()
            for rows in features.split(4096)
        ]
    )


@dataclass(frozen=True)
class Copies:
    """Pairs int64 [P, 2] of samples that are alike, the smaller row first, and their cosines."""

    pairs: Tensor
    cosines: Tensor

    def exact(self) -> Tensor:
        """Which pairs have the same features, bool [P]."""
        return self.cosines >= SAME

    def groups(self, count: int) -> Tensor:
        """For each of `count` samples a sample that stands for it and its exact copies, int64."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        first, second = self.pairs[self.exact()].numpy().T
        links = coo_array((torch.ones(len(first)).numpy(), (first, second)), (count, count))
        numbers = torch.from_numpy(connected_components(links, directed=False)[1]).long()
        leaders = torch.full((int(numbers.max()) + 1,), count)
        leaders.scatter_reduce_(0, numbers, torch.arange(count), "amin")
        return leaders[numbers]


def find_copies(units: Tensor) -> Copies:
    """Samples whose vectors [N, D] of length 1 are nearly the same.

    Candidates are the eight nearest by a random projection; their cosines are then exact. Vectors
    of fewer than 64 features are not compared.
    """
    if units.shape[1] < _FEWEST_FEATURES:
        return Copies(torch.empty(0, 2, dtype=torch.int64), torch.empty(0))
    sketches = units
    if units.shape[1] > _SKETCH:
        generator = generator_for(0, "audit", "sketch")
        directions = torch.randn(units.shape[1], _SKETCH, generator=generator)
        parts = [normalize(rows.float() @ directions, dim=1).half() for rows in units.split(4096)]
        sketches = torch.cat(parts)
    found = nearest(sketches, sketches, _CLOSEST, exclude_self=True).index
    left = torch.arange(len(units)).repeat_interleave(found.shape[1])
    pairs = torch.stack([left, found.flatten()], 1).sort(1).values.unique(dim=0)
    cosines = torch.cat(
        [
            (units[each[:, 0]].float() * units[each[:, 1]].float()).sum(1)
            for each in pairs.split(4096)
        ]
    )
    alike = cosines >= NEAR
    return Copies(pairs[alike], cosines[alike])


def nearest_trusted(
    units: Tensor, rows: Tensor, classes: Tensor, labels: Tensor, trusted: Tensor
) -> Tensor:
    """For each of `rows` int64 [M] the nearest trusted sample of its class, int64 [M]; -1 without.

    `classes` int64 [M] says which class to look in; `labels` int64 [N] and `trusted` bool [N] are
    of all samples. No sample is its own example.
    """
    found = torch.full_like(rows, -1)
    for number in classes.unique().tolist():
        examples = (trusted & (labels == number)).nonzero().squeeze(1)
        asking = (classes == number).nonzero().squeeze(1)
        if len(examples):
            closest = nearest(units[rows[asking]], units[examples], 2).index
            chosen = examples[closest]
            own = chosen[:, 0] == rows[asking]
            last = chosen[:, -1]
            best = torch.where(own, last, chosen[:, 0])
            found[asking] = torch.where(best == rows[asking], -1, best)
    return found
