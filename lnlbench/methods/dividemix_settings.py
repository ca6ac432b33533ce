"""What DivideMix can be told: its parameters, and recipes of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from lnlbench.document import LeftOut
from lnlbench.interface.params import Params, Recipe, SearchRange
from lnlbench.pieces.augdesc import DEFAULT, Augmentation, Strategy, strategy

# Where losses divide alone, and where nothing draws from RandAugment, these are not used.
_OF_NEIGHBORHOODS = LeftOut(unless=("divider", ("embedding", "both")))
_OF_RANDAUGMENT = LeftOut(unless=("augmentation", ("ws-randaugment",)))


class DivideMixParams(Params):
    """Defaults are the authors' values for CIFAR-100."""

    warmup_epochs: int | None = Field(
        None,
        ge=0,
        description="Epochs of cross-entropy before the first division; by default a tenth of "
        "the run, as the authors' 30 of 300.",
    )
    clean_threshold: Annotated[float, SearchRange(0.2, 0.8)] = Field(
        0.5, ge=0, lt=1, description="Labeled are the samples with a clean probability above."
    )
    temperature: Annotated[float, SearchRange(0.2, 1.0)] = Field(
        0.5, ge=0.1, le=10, description="Sharpening of soft labels."
    )
    mixup_alpha: Annotated[float, SearchRange(0.5, 16.0, log=True)] = Field(
        4.0, gt=0, description="Mixup draws λ from Beta(alpha, alpha)."
    )
    lambda_u: Annotated[float, SearchRange(0.0, 150.0)] = Field(
        25.0, ge=0, description="Weight of the unlabeled loss after ramp-up."
    )
    rampup_epochs: float = Field(
        16, ge=0, description="Epochs after warm-up over which lambda_u rises from 0."
    )
    prior_penalty: Annotated[float, SearchRange(0.0, 2.0)] = Field(
        1.0, ge=0, description="Weight of the penalty for predicting some classes only."
    )
    confidence_penalty: float = Field(
        0.0,
        ge=0,
        description="Weight of the negative entropy in warm-up; the authors use 1 for "
        "asymmetric noise and 0 for symmetric.",
    )
    loss_history: int = Field(
        1,
        ge=1,
        le=50,
        description="Divisions whose normalized losses are averaged; the authors use 5 at 90 % "
        "noise.",
    )
    mixture_max_iterations: int = Field(10, ge=1, description="Iterations of the mixture fit.")
    mixture_tolerance: float = Field(1e-2, gt=0, description="Tolerance of the mixture fit.")
    mixture_regularization: float = Field(
        5e-4, gt=0, description="Added to the mixture's variances."
    )
    warmup: Annotated[Literal["cross-entropy", "linear-probe"], LeftOut()] = Field(
        "cross-entropy",
        description="Warm up whole networks, or the classifiers of pretrained ones alone.",
    )
    divider: Annotated[Literal["loss", "embedding", "both"], LeftOut()] = Field(
        "loss",
        description="What divides: each network's losses, as the authors do; the neighborhood "
        "of each sample; or the mean of both beliefs.",
    )
    neighborhood_divisions: Annotated[Literal["every", "first"], _OF_NEIGHBORHOODS] = Field(
        "every",
        description="Divisions in which the neighborhood counts; after the first alone, losses "
        "divide.",
    )
    neighbors: Annotated[int, _OF_NEIGHBORHOODS] = Field(
        20, ge=1, le=1000, description="Neighbors that vote; unused when losses divide alone."
    )
    augmentation: Annotated[Augmentation, LeftOut()] = Field(
        DEFAULT,
        description="Views by purpose, as AugDesc names them: those that are guessed from, then "
        "those that are trained on; w weak, s strong (AutoAugment). saw also warms up on strong "
        "views, runtime-* guesses from the views it trains on (runtime-w is DivideMix), raw "
        "augments nothing.",
    )
    randaugment_operations: Annotated[int, _OF_RANDAUGMENT] = Field(
        1, ge=1, le=14, description="Operations on each image; only with ws-randaugment."
    )
    randaugment_magnitude: Annotated[int, _OF_RANDAUGMENT] = Field(
        6, ge=0, le=30, description="Their magnitude, of 30; only with ws-randaugment."
    )
    warmup_batch_size: Annotated[int | None, LeftOut()] = Field(
        None,
        ge=2,
        description="Samples of a batch in warm-up; by default the run's, which counts labeled and "
        "unlabeled ones together. AugDesc's authors use half of that.",
    )
    guess_together: Annotated[bool, LeftOut()] = Field(
        False,
        description="Whether the trained network guesses from all views in one pass: fewer and "
        "larger passes, but batch statistics of labeled and unlabeled samples together.",
    )

    def strategy(self) -> Strategy:
        """Which views serve which purpose."""
        return strategy(self.augmentation, self.randaugment_operations, self.randaugment_magnitude)


def _native(epochs: int, batch_size: int, drop: int) -> dict[str, Any]:
    """The authors' schedule; the learning rate drops to a tenth from epoch `drop` on."""
    return {
        "backbone": "preact-resnet18",
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
        "milestones": [drop / epochs],
    }


RECIPES = {
    "matched@digits": Recipe(
        params={"warmup_epochs": 12},
        note="Of 6, 12 and 20 epochs, 12 is best on a noisy validation split (seeds 100, 101).",
    ),
    "augdesc-ws": Recipe(
        params={"augmentation": "ws"},
        note="AugDesc-WS: the track's schedule, as matched, but strong views to train on.",
    ),
    "augdesc-ws@digits": Recipe(
        params={"augmentation": "ws", "warmup_epochs": 12},
        note="As matched@digits, but strong views to train on.",
    ),
    "divider-embedding": Recipe(
        params={"divider": "embedding"}, note="The neighborhood alone divides."
    ),
    "divider-embedding-first": Recipe(
        params={"divider": "embedding", "neighborhood_divisions": "first"},
        note="The neighborhood makes the first division, losses the others.",
    ),
    "divider-both": Recipe(
        params={"divider": "both"}, note="Losses and neighborhood divide together."
    ),
    "native": Recipe(
        schedule=_native(epochs=300, batch_size=128, drop=150),
        note="The authors' CIFAR-100 schedule; batch 128 is 64 labeled + 64 unlabeled.",
    ),
    "native-drop70": Recipe(
        schedule=_native(epochs=300, batch_size=128, drop=70),
        note="The learning rate drops at epoch 70 instead of 150; no known figure.",
    ),
    "native-lambda0": Recipe(
        params={"lambda_u": 0.0, "confidence_penalty": 1.0},
        schedule=_native(epochs=300, batch_size=128, drop=150),
        note="The independent re-run on CIFAR-100N that reports 70.9 % at its best test epoch.",
    ),
    "native-lambda0-drop70": Recipe(
        params={"lambda_u": 0.0, "confidence_penalty": 1.0},
        schedule=_native(epochs=300, batch_size=128, drop=70),
        note="native-lambda0, but the learning rate drops at epoch 70; no known figure.",
    ),
    "native-augdesc-ws": Recipe(
        params={"augmentation": "ws", "warmup_epochs": 30, "warmup_batch_size": 128},
        schedule=_native(epochs=400, batch_size=256, drop=300),
        note="AugDesc's authors on CIFAR-100: batch 256 is 128 + 128; lambda_u as theirs at 20 % "
        "noise, 150 from 50 % on.",
    ),
}
