"""Evaluate a method between epochs, only through `predict` and `clean_probability`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lnlbench.augment.blocks import plain_batches
from lnlbench.augment.views import Views
from lnlbench.interface.criterion import Criterion
from lnlbench.interface.method import Method
from lnlbench.metrics.accuracy import accuracy
from lnlbench.metrics.calibration import TEST_SCORES
from lnlbench.metrics.label_selection import selection_quality
from lnlbench.metrics.memorization import memorization
from lnlbench.networks.evaluation_mode import evaluation_mode
from lnlbench.runner.answers import check_belief, check_logits, stacked_logits
from lnlbench.runner.inputs import Inputs
from lnlbench.runner.split import Split, evaluation_sample
from lnlbench.tracks import Protocol


def eval_batch_size(protocol: Protocol, device: torch.device) -> int:
    """Samples in a batch of evaluation: many, but few enough for the memory."""
    size = 2048 if device.type == "cuda" else 500
    # The images of a pretrained network are many times larger.
    return size // 8 if protocol.pretrained is not None else size


@dataclass(frozen=True)
class Evaluation:
    """The scores of one evaluation, and the outputs that they were computed from.

    `scores` maps names of curves to values; a value is None if it is not defined. The logits [N, C]
    of the test set, and of the training samples that evaluation looks at, are on the CPU.
    `criterion` is there only if the caller asked for it.
    """

    scores: dict[str, float | None]
    test_logits: Tensor
    sample_logits: Tensor
    belief: Tensor | None
    clean_threshold: float
    criterion: Criterion | None


class Evaluator:
    """Scores a method on test, validation, and a fixed random sample of the training images.

    Training accuracies and memorization use at most 5,000 training samples, the same in every
    epoch and run, so that evaluation costs little compared with training.
    """

    def __init__(self, split: Split, inputs: Inputs, batch_size: int) -> None:
        self.batch_size = batch_size
        self._inputs = inputs
        self._truth_known = split.truth_known
        self._clean_labels = split.clean_labels
        self._noisy_labels = split.training.labels
        self._test_labels = split.test.labels
        self._validation_labels = None if split.validation is None else split.validation.labels
        self._sample = evaluation_sample(len(split.clean_labels))

    def evaluate(self, method: Method, closely: bool = False) -> Evaluation:
        """All scores at this moment; with `closely`, also the method's criterion."""
        with evaluation_mode(method.trained_networks()):
            scores: dict[str, float | None] = {}
            logits: Tensor | None = None
            if len(self._test_labels):  # a search has no test samples
                logits, single = self._logits(method, self._inputs.test, len(self._test_labels))
                scores |= self._test_scores(logits, single)
            if self._inputs.validation is not None and self._validation_labels is not None:
                labels = self._validation_labels
                held_out, _ = self._logits(method, self._inputs.validation, len(labels))
                scores["validation_accuracy"] = accuracy(held_out, labels)
            sample_logits, _ = self._logits(method, self._inputs.sample, len(self._sample))
            scores.update(self._training_scores(sample_logits))
            belief = method.clean_probability()
            threshold = float(method.clean_threshold())
            if belief is not None:
                check_belief(method, belief, len(self._clean_labels))
                scores.update(self._selection_scores(belief, threshold))
            criterion = method.criterion() if closely else None
        logits = sample_logits[:0] if logits is None else logits
        return Evaluation(scores, logits, sample_logits, belief, threshold, criterion)

    def training_logits(self, method: Method, evaluation: Evaluation) -> Tensor:
        """Logits [N, C], on the CPU, of all training samples without augmentation.

        If evaluation looked at all training samples, this returns its logits.
        """
        count = len(self._noisy_labels)
        if len(self._sample) == count:
            return evaluation.sample_logits
        with evaluation_mode(method.trained_networks()):
            return self._logits(method, self._inputs.training, count)[0]

    def _test_scores(self, logits: Tensor, single: Tensor) -> dict[str, float | None]:
        labels = self._test_labels
        return {
            "test_accuracy": accuracy(logits, labels),
            "test_accuracy_single": accuracy(single, labels),
            **{name: score(logits, labels) for name, score in TEST_SCORES.items()},
        }

    def _training_scores(self, logits: Tensor) -> dict[str, float | None]:
        noisy, clean = self._noisy_labels[self._sample], self._clean_labels[self._sample]
        if not self._truth_known:
            return {"train_accuracy_noisy": accuracy(logits, noisy)}
        return {
            "train_accuracy_noisy": accuracy(logits, noisy),
            "train_accuracy_clean": accuracy(logits, clean),
            "memorization": memorization(logits.argmax(1), noisy, clean),
        }

    def _selection_scores(self, belief: Tensor, threshold: float) -> dict[str, float | None]:
        if not self._truth_known:
            return {}
        is_clean = self._noisy_labels == self._clean_labels
        return selection_quality(belief.cpu(), is_clean, threshold)

    def _logits(self, method: Method, views: Views, count: int) -> tuple[Tensor, Tensor]:
        """Logits [N, C] on the CPU of the method's prediction, and of its first network alone."""
        combined, single = [], []
        for images in plain_batches(views, count, self.batch_size):
            if type(method).predict is Method.predict:
                # The default is the mean over networks: one pass of each gives both answers.
                logits = stacked_logits(method, images)
                combined.append(logits.mean(0).cpu())
                single.append(logits[0].cpu())
            else:
                logits = method.predict(images)
                check_logits(method, logits, len(images))
                combined.append(logits.float().cpu())
                networks = method.trained_networks()
                single.append(networks[0](images).cpu() if networks else combined[-1])
        return torch.cat(combined), torch.cat(single)
