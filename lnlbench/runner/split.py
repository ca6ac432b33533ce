"""Split a data set into what a method trains on and the truth that stays with the runner."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import Images
from lnlbench.errors import UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.params import CleanSubsetParams
from lnlbench.noise import NoisyLabels
from lnlbench.noise.spec import parse_noise
from lnlbench.seeds import generator_for
from lnlbench.tracks import Protocol

TRAINING_SAMPLE = 5000


@dataclass(frozen=True)
class LabeledImages:
    """Images uint8 [N, C, H, W], labels int64 [N], and positions int64 [N] in the data set."""

    images: Images
    labels: Tensor
    positions: Tensor


@dataclass(frozen=True)
class Split:
    """Training images with noisy labels, their clean labels, validation, and test."""

    training: LabeledImages
    clean_labels: Tensor
    validation: LabeledImages | None
    test: LabeledImages
    truth_known: bool = True

    @property
    def noise_rate(self) -> float | None:
        """The realized share of wrong labels among the training samples; None if unknown."""
        if not self.truth_known:
            return None
        return float((self.training.labels != self.clean_labels).double().mean())


def split_dataset(dataset: Dataset, noisy: NoisyLabels, protocol: Protocol) -> Split:
    """Limit the samples, then hold out the validation share; every run seed gets the same split.

    With clean validation labels, only the training part is noisy. A sample's noisy label does not
    depend on the split: it is the same in every split with the same noise and noise seed.

    Raises:
        UsageError: a limit is larger than the data, or the split leaves no sample.
    """
    count = len(dataset.train_labels)
    kept = _keep("--limit-train", count, protocol.limit_train, protocol.noise_seed)
    held_out = round(protocol.validation * len(kept))
    if protocol.validation and not held_out:
        raise UsageError(
            f"--validation {protocol.validation} holds out less than one of {len(kept)} training "
            "samples. Give a larger share."
        )
    if held_out == len(kept):
        raise UsageError(
            f"--validation {protocol.validation} holds out all of {len(kept)} training samples. "
            "Give a smaller share."
        )
    order = kept[_permutation(len(kept), "validation", protocol.noise_seed)]
    # Sort, so that samples keep the data set's order in a run.
    validation, training = order[:held_out].sort().values, order[held_out:].sort().values
    test = _keep("--limit-test", len(dataset.test_labels), protocol.limit_test, protocol.noise_seed)
    # Indexing would copy; the usual run uses all images directly.
    everything = len(training) == count
    clean_validation = protocol.validation_labels == "clean"
    held_out_labels = dataset.train_labels if clean_validation else noisy.labels
    images = dataset.train_images if everything else dataset.train_images[training]
    return Split(
        training=LabeledImages(images, noisy.labels[training], training),
        clean_labels=dataset.train_labels[training],
        validation=LabeledImages(
            dataset.train_images[validation], held_out_labels[validation], validation
        )
        if held_out
        else None,
        test=LabeledImages(dataset.test_images[test], dataset.test_labels[test], test),
        truth_known=dataset.truth_known or _is_drawn(protocol.noise),
    )


def _is_drawn(noise: str) -> bool:
    """Whether the noise moves labels at random; the labels before it are then the truth."""
    spec = parse_noise(noise)
    return spec.kind not in ("clean", "human", "matched") and bool(spec.rate)


def clean_subset(split: Split, params: CleanSubsetParams) -> CleanSubset:
    """The training samples whose clean labels a method gets, in the order of their indices."""
    count = len(split.clean_labels)
    size = min(count, max(2, round(params.clean_share * count)))
    index = _permutation(count, "clean subset", params.clean_seed)[:size].sort().values
    return CleanSubset(index, split.clean_labels[index])


def evaluation_sample(count: int) -> Tensor:
    """The training samples that evaluation looks at: at most 5,000, the same in every run."""
    sample = torch.randperm(count, generator=generator_for(0, "training sample"))
    return sample[:TRAINING_SAMPLE].sort().values


def _keep(option: str, count: int, limit: int | None, seed: int) -> Tensor:
    # The option also names the random stream: another spelling would keep other samples.
    if limit is None:
        return torch.arange(count)
    if limit > count:
        raise UsageError(f"{option} {limit}: there are only {count}. Give at most {count}.")
    return _permutation(count, option, seed)[:limit].sort().values


def _permutation(count: int, axis: str, seed: int) -> Tensor:
    return torch.randperm(count, generator=generator_for(seed, "data", axis))
