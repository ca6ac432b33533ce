"""The protocol: everything about a run that is not its method."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lnlbench.document import Document, LeftOut

_SHA256 = r"^[0-9a-f]{64}$"


class DataSpec(BaseModel):
    """Which data of a plugin a run uses, by content: where the files lie is not part of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: dict[str, JsonValue] = Field(
        default_factory=dict, description="The data set's settings, those that name places apart."
    )
    sha256: str = Field(pattern=_SHA256, description="Of all images, labels and classes.")


class OptimizerSpec(Document):
    """The optimizer of every network of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Literal["sgd", "adam"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum, or Adam's beta 1.")
    weight_decay: float = Field(0.0, ge=0)
    nesterov: Annotated[bool, LeftOut()] = Field(
        False, description="Whether SGD's momentum is Nesterov's."
    )

    @model_validator(mode="after")
    def _nesterov_is_momentum(self) -> "OptimizerSpec":
        if self.nesterov and (self.name != "sgd" or not self.momentum):
            raise ValueError(
                f"nesterov is a kind of momentum of 'sgd', and this is {self.name!r} with "
                f"momentum {self.momentum:g}"
            )
        return self


class WeightsSpec(Document):
    """Pretrained weights, and the size of the images that they see."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    weights: str | None = Field(
        None,
        pattern=_SHA256,
        description="SHA-256 of the backbone's tensors; null for whatever its source has.",
    )
    image_size: int | None = Field(
        None, ge=8, le=1024, description="Pixels that images are resized to; null for its own size."
    )


class EmbeddingSpec(WeightsSpec):
    """Train only a head, on the cached features of a frozen backbone."""

    views: int = Field(
        2, ge=1, le=32, description="Cached views of a training image: itself, and augmented draws."
    )
    head: Literal["linear", "mlp"] = "mlp"
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of the head's input features dropped in training."
    )


class PretrainedSpec(WeightsSpec):
    """Start every network from pretrained weights, and fine-tune it on resized images.

    All of it is trained, or the layers from `frozen_until` on, on cached outputs of the others.
    """

    body_lr_factor: float = Field(
        0.1, gt=0, le=1, description="Learning rate of the body as a share of the classifier's."
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of the learning rate that each layer group of the body has of the next.",
    )
    frozen_until: Annotated[str | None, LeftOut()] = Field(
        None,
        max_length=200,
        description="First layer that is trained, by timm's name; null trains all layers.",
    )
    views: Annotated[int, LeftOut()] = Field(
        2, ge=1, le=32, description="With frozen_until: cached views of a training image."
    )

    @model_validator(mode="after")
    def _views_are_cached(self) -> "PretrainedSpec":
        if self.frozen_until is None and self.views != 2:
            raise ValueError("views are cached for networks with frozen_until alone")
        return self


class Protocol(Document):
    """What a track fixes, so that two methods under it can be compared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    dataset: str
    data: Annotated[DataSpec | None, LeftOut()] = Field(
        None, description="The data, where a plugin provides them."
    )
    noise: str
    noise_seed: int = Field(0, ge=0, description="Synthetic noise is the same for every run seed.")
    backbone: str
    augment: Literal["crop-flip", "crop", "none"] = "crop-flip"
    optimizer: OptimizerSpec
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    milestones: tuple[float, ...] = Field(
        (), description="Shares of the epochs after which the learning rate is multiplied by gamma."
    )
    gamma: float = Field(0.1, gt=0, le=1)
    cosine_to: Annotated[float | None, LeftOut()] = Field(
        None,
        ge=0,
        le=1,
        description="Share of itself that the learning rate falls to along half a cosine, epoch by "
        "epoch; null for the milestones' steps.",
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    embedding: Annotated[EmbeddingSpec | None, LeftOut()] = Field(
        None, description="The frozen backbone's features, and the head that is trained on them."
    )
    pretrained: Annotated[PretrainedSpec | None, LeftOut()] = Field(
        None, description="The pretrained weights that every network is fine-tuned from."
    )
    validation: float = Field(
        0.0, ge=0, lt=0.9, description="Share of the training set held out for selection."
    )
    validation_labels: Annotated[Literal["noisy", "clean"], LeftOut()] = Field(
        "noisy", description="Labels of the held-out part; clean ones are an oracle's."
    )
    limit_train: int | None = Field(None, ge=2, description="Random training samples to keep.")
    limit_test: int | None = Field(None, ge=1, description="Random test samples to keep.")

    @field_validator("pretrained")
    @classmethod
    def _frozen_or_fine_tuned(
        cls, pretrained: PretrainedSpec | None, info: ValidationInfo
    ) -> PretrainedSpec | None:
        if pretrained is not None and info.data.get("embedding") is not None:
            raise ValueError("a backbone is frozen (embedding) or fine-tuned, not both")
        return pretrained

    @model_validator(mode="after")
    def _labels_are_of_something(self) -> "Protocol":
        if self.validation_labels == "clean" and not self.validation:
            raise ValueError("validation_labels 'clean' needs a validation share above 0")
        return self

    @model_validator(mode="after")
    def _one_schedule(self) -> "Protocol":
        if self.cosine_to is not None and self.milestones:
            raise ValueError(
                "the learning rate falls along a cosine (cosine_to) or in steps (milestones), not "
                "both: empty the milestones, or leave out cosine_to"
            )
        return self

    @property
    def cached(self) -> EmbeddingSpec | PretrainedSpec | None:
        """What says which cached features take the place of images; None where images are seen."""
        if self.pretrained is not None and self.pretrained.frozen_until is not None:
            return self.pretrained
        return self.embedding

    @property
    def oracle(self) -> frozenset[str]:
        """Privileged knowledge that the protocol itself uses, whatever the method."""
        clean = self.validation_labels == "clean"
        return frozenset({"clean_validation"}) if clean else frozenset()
