"""Options that change the protocol of a track: data, noise, network, schedule, validation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.errors import UsageError
from lnlbench.noise.spec import noise_sentences
from lnlbench.spec.axes import parse_values, split_names

if TYPE_CHECKING:
    from lnlbench.spec.transfer import TransferFlags

# The help joins the lines of a paragraph, so blank lines keep each noise on its own line.
NOISES = "\n\n".join(
    ["The noises; RATE, from 0 to below 1, is the probability that a label moves:"]
    + [f"{name}: {sentence}" for name, sentence in noise_sentences().items()]
)

Dataset = Annotated[
    str | None,
    typer.Option(help="Data set instead of the track's; `lnlbench datasets` lists them."),
]
Noise = Annotated[
    str | None,
    typer.Option(help="Noise instead of the track's, such as symmetric:0.4; see the list below."),
]
NoiseSeed = Annotated[int | None, typer.Option(help="Seed of synthetic noise.")]
Backbone = Annotated[
    str | None,
    typer.Option(help="Network instead of the track's; `lnlbench backbones` lists them."),
]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Train a head on cached features of a frozen network.")
]
Pretrained = Annotated[
    bool, typer.Option("--pretrained", help="Fine-tune a network from its pretrained weights.")
]
Head = Annotated[
    str | None, typer.Option(help="Head that learns on a frozen network: linear or mlp.")
]
ImageSize = Annotated[
    int | None, typer.Option(help="Height and width of the images that a pretrained network sees.")
]
BodyLrFactor = Annotated[
    float | None,
    typer.Option(help="The pretrained layers learn at this factor times the classifier's rate."),
]
FrozenUntil = Annotated[
    str | None,
    typer.Option(
        metavar="LAYER",
        help="First layer of a pretrained network to train. The layers in front of it stay frozen, "
        "and a cache keeps their outputs.",
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Number of epochs instead of the track's.")]
BatchSize = Annotated[int | None, typer.Option(help="Batch size instead of the track's.")]
Lr = Annotated[float | None, typer.Option(help="Learning rate instead of the track's.")]
WeightDecay = Annotated[float | None, typer.Option(help="Weight decay instead of the track's.")]
Augment = Annotated[
    str | None, typer.Option(help="Augmentation of training images: crop-flip, crop or none.")
]
Validation = Annotated[
    float | None,
    typer.Option(help="Share of the training samples to hold out for the selection of an epoch."),
]
ValidationLabels = Annotated[
    str | None,
    typer.Option(help="Labels of the held-out samples: noisy, or clean, which is an oracle."),
]
LimitTrain = Annotated[
    int | None, typer.Option(help="Number of training images to use; default: all.")
]
LimitTest = Annotated[int | None, typer.Option(help="Number of test images to use; default: all.")]
Precision = Annotated[
    str | None, typer.Option(help="Precision of the network passes: auto, fp32 or bf16.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        help="Any field of the track, such as optimizer.momentum=0.5; key=value,value,… runs each "
        "value. `lnlbench tracks show` lists the fields.",
    ),
]


@dataclass(frozen=True)
class ProtocolOptions:
    """The options that change a track. A changed protocol keeps a result out of its table."""

    dataset: Dataset = None
    noise: Noise = None
    noise_seed: NoiseSeed = None
    backbone: Backbone = None
    frozen: Frozen = False
    pretrained: Pretrained = False
    head: Head = None
    image_size: ImageSize = None
    body_lr_factor: BodyLrFactor = None
    frozen_until: FrozenUntil = None
    epochs: Epochs = None
    batch_size: BatchSize = None
    lr: Lr = None
    weight_decay: WeightDecay = None
    augment: Augment = None
    validation: Validation = None
    validation_labels: ValidationLabels = None
    limit_train: LimitTrain = None
    limit_test: LimitTest = None
    precision: Precision = None
    override: Overrides = None

    @property
    def given(self) -> bool:
        """Whether the user gave any of these options."""
        return any(value is not None and value is not False for value in vars(self).values())

    def axes(self) -> dict[str, list[Any]]:
        """The fields of the protocol that change, each with its values; names may be a,b,c.

        Raises:
            UsageError: a field is given twice, or --override cannot be read.
        """
        names = {
            "dataset": self.dataset,
            "noise": self.noise,
            "backbone": self.backbone,
            "augment": self.augment,
            "validation_labels": self.validation_labels,
            "precision": self.precision,
        }
        numbers = {
            "noise_seed": self.noise_seed,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "optimizer.lr": self.lr,
            "optimizer.weight_decay": self.weight_decay,
            "validation": self.validation,
            "limit_train": self.limit_train,
            "limit_test": self.limit_test,
        }
        said: dict[str, list[Any]] = {
            key: split_names([value]) or [value]
            for key, value in names.items()
            if value is not None
        }
        said |= {key: [value] for key, value in numbers.items() if value is not None}
        values = parse_values("--override", self.override or [])
        for key in said.keys() & values.keys():
            option = key.removeprefix("optimizer.").replace("_", "-")
            raise UsageError(
                f"--{option} and --override both set {key!r}: {_listed(said[key])} and "
                f"{_listed(values[key])}. Give one of them."
            )
        return said | values

    def transfer(self) -> "TransferFlags":
        """The options of a pretrained network."""
        from lnlbench.spec.transfer import TransferFlags

        return TransferFlags(
            *(self.frozen, self.pretrained, self.head, self.image_size, self.body_lr_factor),
            frozen_until=self.frozen_until,
        )


def _listed(values: list[Any]) -> str:
    return ", ".join(map(repr, values))
