"""The protocol: everything about a run that is not its method."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class OptimizerSpec(BaseModel):
    """The optimizer of every network of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Literal["sgd", "adam"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum, or Adam's beta 1.")
    weight_decay: float = Field(0.0, ge=0)


class Protocol(BaseModel):
    """What a track fixes, so that two methods under it can be compared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    dataset: str
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
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    validation: float = Field(
        0.0, ge=0, lt=0.9, description="Share of the noisy training set held out for selection."
    )
    limit_train: int | None = Field(None, ge=2, description="Random training samples to keep.")
    limit_test: int | None = Field(None, ge=1, description="Random test samples to keep.")

    def learning_rate_factor(self, epoch: int) -> float:
        """What the initial learning rate is multiplied by in `epoch` (from 0)."""
        passed = sum(epoch >= round(share * self.epochs) for share in self.milestones)
        return self.gamma**passed


class Track(BaseModel):
    """A named protocol with a title and a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    description: str
    protocol: Protocol
