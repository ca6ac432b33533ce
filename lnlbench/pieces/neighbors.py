"""Clean probability from the neighborhood of each sample: its nearest samples and their labels.

Source: Zhu, Dong, Liu, ICML 2022 (SimiFeat, arXiv 2110.06283): cosine similarity of pretrained
features, similarity-weighted votes, several passes over augmented views. Unlike there a sample does
not vote for itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lnlbench.interface.run import Run
from lnlbench.networks.precision import resolve_precision

# Rows of a block of the similarity matrix: 2,048 queries against 8,192 others are 64 MB.
_QUERIES = 2048
_OTHERS = 8192
# Queries whose candidates are gathered at once: 128 x 48 vectors of 1,280 floats are 31 MB.
_RANKED = 128


@dataclass(frozen=True)
class Neighbors:
    """For each query its nearest others, most similar first: index int64, cosine float32 [Q, k]."""

    index: Tensor
    similarity: Tensor


def unit_features(run: Run, augment: str = "none", embedded: bool = False) -> Tensor:
    """One view of each training sample as a vector of length 1, float16 [N, D], in index order.

    On a track of embeddings these are the embeddings; on a track of images, the pixels. With
    `embedded`, networks that start from pretrained weights turn the views into features first.

    Raises:
        UsageError: the images are read from files.
    """
    run.require_in_memory("Comparing the pixels of all samples with each other")
    batches = run.batches(views=1, augment=augment, batch_size=_QUERIES, shuffle=False)
    views = (batch.views[0] for batch in batches)
    return torch.cat([to_units(run.embed(each) if embedded else each) for each in views])


def to_units(views: Tensor) -> Tensor:
    """Views [B, ...] as vectors of length 1, float16 [B, D]."""
    return normalize(views.flatten(1), dim=1).half()


def nearest(queries: Tensor, others: Tensor, count: int, exclude_self: bool = False) -> Neighbors:
    """The `count` most similar of `others` [N, D] for each query [Q, D], all of length 1.

    With `exclude_self`, query i is others[i] and is no neighbor of itself. Memory grows with Q and
    N, never with their product.
    """
    count = min(count, len(others) - exclude_self)
    # Half precision finds candidates fast; which of them are nearest is decided in float32.
    candidates = min(2 * count + 8, len(others) - exclude_self)
    bf16 = resolve_precision("auto", queries.device) == "bf16"
    fast = others.to(torch.bfloat16 if bf16 else torch.float32)
    found = []
    for start, part in zip(range(0, len(queries), _QUERIES), queries.split(_QUERIES), strict=True):
        own = start if exclude_self else None
        index = _candidates(part.to(fast.dtype), fast, candidates, own)
        found.append(_rank(part, others, index, count))
    return Neighbors(
        torch.cat([each.index for each in found]), torch.cat([each.similarity for each in found])
    )


def _candidates(queries: Tensor, others: Tensor, count: int, own: int | None) -> Tensor:
    """Indices [Q, count] of the most similar, kept while block after block passes by.

    `own` is the index among the others of the first query, if they are to be left out.
    """
    size = (len(queries), count)
    best = torch.full(size, -torch.inf, device=queries.device)
    index = torch.zeros(size, dtype=torch.int64, device=queries.device)
    for first in range(0, len(others), _OTHERS):
        block = others[first : first + _OTHERS]
        similarity = (queries @ block.T).float()
        if own is not None:
            # Query i is other own + i; the diagonal is empty if this block has no such pair.
            similarity.diagonal(own - first).fill_(-torch.inf)
        values, columns = similarity.topk(min(count, len(block)))
        values, order = torch.cat([best, values], 1).topk(count)
        index = torch.cat([index, columns + first], 1).gather(1, order)
        best = values
    return index


def _rank(queries: Tensor, others: Tensor, candidates: Tensor, count: int) -> Neighbors:
    """The `count` most similar of each query's candidates, by float32 products."""
    similarity = torch.cat(
        [
            torch.bmm(others[index].float(), part.float().unsqueeze(2)).squeeze(2)
            for part, index in zip(queries.split(_RANKED), candidates.split(_RANKED), strict=True)
        ]
    )
    values, order = similarity.topk(count)
    return Neighbors(candidates.gather(1, order), values)


def vote(neighbors: Neighbors, labels: Tensor, num_classes: int) -> Tensor:
    """Class shares float32 [Q, C] among the neighbors, each weighted by its cosine.

    Neighbors of negative cosine have no vote; without any vote all classes are equally likely.
    """
    weights = neighbors.similarity.clamp(min=0)
    votes = torch.zeros(len(weights), num_classes, device=weights.device)
    votes.scatter_add_(1, labels[neighbors.index], weights)
    total = votes.sum(1, keepdim=True)
    return torch.where(total > 0, votes / total, 1 / num_classes)


def neighborhood_shares(run: Run, count: int, passes: int) -> Tensor:
    """Class shares float32 [N, C] among each training sample's neighbors, itself left out.

    One pass compares the unaugmented samples; more compare a fresh weak view of each sample in
    every pass, and average.
    """
    shares = torch.zeros(run.num_samples, run.num_classes, device=run.device)
    for _ in range(passes):
        features = unit_features(run, "none" if passes == 1 else "weak", embedded=True)
        found = nearest(features, features, count, exclude_self=True)
        shares += vote(found, run.labels, run.num_classes)
    return shares / passes


def vote_belief(shares: Tensor, labels: Tensor) -> Tensor:
    """Clean probability float32 [N]: the share of a sample's label against the best other class's.

    Above 1/2 the label wins the vote, which is SimiFeat-V's rule; in between it says how clearly.
    """
    own = shares.gather(1, labels.unsqueeze(1)).squeeze(1)
    other = shares.scatter(1, labels.unsqueeze(1), 0).amax(1)
    total = own + other
    return torch.where(total > 0, own / total, 0.5)


def divide_by_neighbors(run: Run, count: int, passes: int) -> Tensor:
    """Clean probability float32 [N] of each training sample by its neighbors' vote."""
    return vote_belief(neighborhood_shares(run, count, passes), run.labels)
