"""Any method as a scikit-learn classifier: `fit`, `predict`, and which labels look wrong."""

from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pandas import DataFrame
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from lnlbench.api.meant import Meant, spec_of
from lnlbench.augment.views import ImageViews
from lnlbench.data.dataset import Dataset
from lnlbench.embeddings.views import EmbeddingViews
from lnlbench.errors import RunError, UsageError
from lnlbench.networks.evaluation_mode import evaluation_mode
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import load_plugins
from lnlbench.runner.assemble import assemble
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.execution import Execution
from lnlbench.runner.options import RunOptions
from lnlbench.runner.series import choose_display
from lnlbench.seeds import TURN
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import MATCHED
from lnlbench.system.console import Console
from lnlbench.system.temporary import temporary_folder

FEATURES_TRACK = "cifar100n-embedding"
IMAGES_TRACK = "digits"
_NAME = "arrays"
_ROWS = 256  # rows of every pass: with always the same shape, a row's result is always the same
_STEPS = 10  # optimizer steps an epoch that small data get at least


class NoisyLabelClassifier(ClassifierMixin, BaseEstimator):
    """Learn from features, or images, whose labels are partly wrong.

    `X` holds features, numbers [N, D], or images, uint8 [N, height, width, 3] and the other layouts
    of `lnlbench.Dataset.from_arrays`. `y` [N] are numbers or texts.

    Parameters:
        method: any method that `lnlbench.methods()` lists and that needs no oracle.
        params: the method's parameters.
        track: the track whose network and schedule are used; by default a track of embeddings for
            features (a head with 512 hidden units), and `digits` for images (a small network).
        epochs: in place of the track's.
        lr: the learning rate in place of the track's.
        batch_size: in place of the track's; "auto" takes smaller batches for small data.
        recipe: the method's recipe.
        device: auto, cpu, cuda or cuda:N.
        random_state: the seed, or a NumPy generator to draw it from.
        progress: show the epochs.

    Attributes after `fit`:
        classes_: the labels, sorted.
        method_: the trained method.
        clean_probability_: for each training sample in [0, 1]: what the method believes, or for a
            method without a belief the probability that it gives to the sample's label. The samples
            were trained on; `lnlbench audit` judges samples that were not.
    """

    def __init__(
        self,
        method: str = "elr",
        params: Mapping[str, Any] | None = None,
        *,
        track: str | None = None,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | str | None = "auto",
        recipe: str = MATCHED,
        device: str = "auto",
        random_state: Any = None,
        progress: bool = False,
    ) -> None:
        self.method = method
        self.params = params
        self.track = track
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size
        self.recipe = recipe
        self.device = device
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples and their labels, of which some may be wrong.

        Raises:
            ValueError: X, y or a parameter cannot be used.
            RunError: the training failed or diverged.
        """
        X, y = validate_data(self, X, y, allow_nd=True, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, given = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"All labels are of one class, {str(self.classes_[0])!r}: learning needs two."
            )
        try:
            execution = self._execution_of(X, given)
        except UsageError as error:
            raise ValueError(str(error)) from error
        self.method_ = execution.method
        self.views_ = cast(EmbeddingViews | ImageViews, execution.inputs.test)
        self.device_ = execution.prepared.device
        self.clean_probability_ = self._clean_probability(X, given)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class [N, C], in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, allow_nd=True, reset=False)
        return self._probabilities(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each sample [N]."""
        chosen = self.predict_proba(X).argmax(1)
        return self.classes_[chosen]

    def suspects(self, X: Any, y: Any) -> DataFrame:
        """The samples whose labels the classifier would change, the most doubtful first.

        The columns are `sample` (its position), `given`, `suggested`, and `probability` (which the
        given label has). A label that the classifier has not seen has the probability 0.
        """
        probabilities = self.predict_proba(X)
        labels = np.asarray(y)
        if labels.shape != (len(probabilities),):
            raise ValueError(
                f"y has the shape {labels.shape}, and X has {len(probabilities)} rows."
            )
        hits = labels[:, None] == self.classes_[None]
        table = DataFrame(
            {
                "sample": np.arange(len(labels)),
                "given": labels,
                "suggested": self.classes_[probabilities.argmax(1)],
                "probability": (probabilities * hits).sum(1),
            }
        )
        wrong = table[table["given"] != table["suggested"]]
        return wrong.sort_values(["probability", "sample"], ignore_index=True)

    def _execution_of(self, X: NDArray[Any], given: NDArray[np.int64]) -> Execution:
        """The finished training, which knows neither clean labels nor test samples."""
        plugins = load_plugins()
        method = plugins.method(self.method)
        if method.oracle:
            raise UsageError(
                f"{self.method!r} must be told {', '.join(sorted(method.oracle))}, which is not "
                "known for these data. Choose a method without an oracle: lnlbench.methods()."
            )
        # A data set needs a test split; a blind run does not look at it.
        names = [str(label) for label in self.classes_]
        data = Dataset.from_arrays(
            X, given, X[:1], given[:1], classes=range(len(names)), name=_NAME
        )
        track = self.track or (FEATURES_TRACK if data.holds_features else IMAGES_TRACK)
        size = max(4, min(256, len(given) // _STEPS))
        chosen = {
            "epochs": self.epochs,
            "lr": self.lr,
            "batch_size": size if self.batch_size == "auto" else self.batch_size,
        }
        settings = {**(self.params or {}), **{k: v for k, v in chosen.items() if v is not None}}
        state = self.random_state
        drawn = not isinstance(state, int | np.integer)
        seed = int(check_random_state(state).randint(2**31)) if drawn else int(state)
        meant = Meant(self.method, track, seed, self.recipe, settings, {}, data)
        source = RunData(plugins)
        spec = spec_of(meant, plugins, source, {}, None)
        pretrained = spec.protocol.pretrained
        cached = spec.protocol.embedding is not None or bool(pretrained and pretrained.frozen_until)
        if cached and not data.holds_features:
            raise UsageError(
                f"The track {track!r} trains on cached features of images. Compute the "
                "features, and give them as X; or choose a track of images."
            )
        device = resolve_device(self.device)
        options = RunOptions(device=device, weights=WeightSources(None, plugins.backbones))
        display = choose_display(Console(highlight=False), quiet=not self.progress)
        with TURN, temporary_folder("lnlbench-classifier-") as folder:
            place = RunDirectory(folder / "run")
            execution = assemble(spec, method, data, place, display, options, blind=True)
            status, error = execution.fit()
            display.close()
        if status != "done":
            raise RunError(f"The training of {self.method} ended as {status}: {error}")
        return execution

    def _probabilities(self, X: NDArray[Any]) -> NDArray[np.float64]:
        samples = Dataset.from_arrays(X, np.zeros(len(X)), X[:1], [0]).train_images
        assert isinstance(samples, Tensor)
        found = []
        with evaluation_mode(self.method_.trained_networks()):
            for part in samples.split(_ROWS):
                filled = torch.cat([part, part[:1].expand(_ROWS - len(part), *part.shape[1:])])
                views = self.views_.holding(filled.to(self.device_))
                logits = self.method_.predict(views.plain(0, _ROWS))[: len(part)]
                found.append(logits.double().softmax(1).cpu())
        return torch.cat(found).numpy()

    def _clean_probability(
        self,
        X: NDArray[Any],
        given: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        belief = self.method_.clean_probability()
        if belief is None:
            return self._probabilities(X)[np.arange(len(given)), given]
        return belief.detach().double().cpu().numpy()
