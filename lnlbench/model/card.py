"""What a model's `model.json` says: all that turns the weights beside it into predictions."""

from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    model_validator,
)

from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.results.schema import Sha256

FORMAT: Final = 1
MAX_NETWORKS = 64
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Timm = Annotated[str, Field(pattern=r"^timm:[\w.-]{1,150}$")]
_Channel = Annotated[tuple[FiniteFloat, ...], Field(min_length=1, max_length=3)]
_Deviation = Annotated[
    tuple[Annotated[FiniteFloat, Field(gt=0)], ...], Field(min_length=1, max_length=3)
]
_Precision = Literal["fp32", "bf16"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Resizing(_Part):
    """How square images become the input of a pretrained network; per channel of three."""

    image_size: int = Field(ge=8, le=1024, description="Pixels of a side after resizing.")
    interpolation: Literal["bicubic", "bilinear", "nearest"]
    mean: _Channel = Field(description="Taken from values divided by 255.")
    std: _Deviation = Field(description="What the difference is divided by.")

    @classmethod
    def of(cls, preprocessing: Preprocessing) -> "Resizing":
        """The same as a document."""
        return cls.model_validate(vars(preprocessing))

    def preprocessing(self) -> Preprocessing:
        """The same as a function."""
        return Preprocessing(self.image_size, self.interpolation, self.mean, self.std)


class FrozenBody(_Part):
    """A pretrained network, never trained by the run, whose features the networks take.

    With `until`, it ends in front of this layer, and the networks begin with it.
    """

    network: _Timm
    until: str | None = Field(None, pattern=r"^[\w.]{1,200}$")
    pretrained_on: str = Field(max_length=1000, description="The data that it has seen.")
    weights_sha256: Sha256 = Field(description="Of the tensors that the run's features come from.")
    precision: _Precision
    resizing: Resizing


class Normalization(_Part):
    """How square images become the input of a network that was trained from random weights."""

    mean: _Channel = Field(description="Taken from values divided by 255.")
    std: _Deviation = Field(description="What the difference is divided by.")


class ImageInput(_Part):
    """Images: each is made an upright square, then goes through exactly one kind of preprocessing.

    `resizing` is for networks that were fine-tuned, `frozen` for heads on features.
    """

    kind: Literal["images"] = "images"
    channels: Literal[1, 3]
    size: int = Field(ge=1, le=4096, description="Pixels of a side of the square.")
    square: Literal["middle"] = Field(
        "middle", description="The shorter side is scaled to `size`, and the middle is cut out."
    )
    resampling: Literal["bilinear"] = Field("bilinear", description="Antialiased.")
    normalization: Normalization | None = None
    resizing: Resizing | None = None
    frozen: FrozenBody | None = None

    @model_validator(mode="after")
    def _one_preprocessing(self) -> "ImageInput":
        kinds = (self.normalization, self.resizing, self.frozen)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("exactly one of normalization, resizing and frozen has to be given")
        if self.normalization is None and self.channels != 3:
            raise ValueError("pretrained networks take images of 3 channels")
        resizing = self.resizing if self.frozen is None else self.frozen.resizing
        scales = self.normalization or resizing
        assert scales is not None
        if {len(scales.mean), len(scales.std)} != {self.channels}:
            raise ValueError("mean and std need a number for each channel")
        return self


class FeatureInput(_Part):
    """Features that the user made: float32 [N, dimension]."""

    kind: Literal["features"] = "features"
    dimension: int = Field(ge=1, le=1 << 20)


class Architecture(_Part):
    """How each network is built.

    `kind` is "network" (of lnlbench or timm, by name), "fine-tuned" (a body of timm and a linear
    classifier; where the first layers are frozen, the body begins with `until`), "head" (linear or
    mlp, on features), or "regression" (one linear layer on the flattened input).
    """

    kind: Literal["network", "fine-tuned", "head", "regression"]
    name: _Name
    inputs: int = Field(ge=1, le=1 << 24, description="Channels, features, or flattened values.")


class Origin(_Part):
    """The run that the weights come from."""

    method: _Name
    recipe: _Name
    params: dict[str, JsonValue]
    track: _Name
    seed: int = Field(ge=0)
    fingerprint: Sha256
    dataset: _Name
    noise: _Name
    labels_sha256: Sha256 = Field(description="Of the noisy labels that the run had.")
    test_accuracy: float | None = Field(
        None, ge=0, le=1, description="After the last epoch; null if there is no test split."
    )
    versions: dict[str, JsonValue] = Field(description="Software and hardware of the run.")


class Card(_Part):
    """All that is needed beside the weights."""

    classes: Annotated[
        tuple[Annotated[str, Field(max_length=1000)], ...], Field(min_length=2, max_length=100_000)
    ]
    input: ImageInput | FeatureInput = Field(discriminator="kind")
    architecture: Architecture
    networks: int = Field(
        ge=1, le=MAX_NETWORKS, description="How many; the mean of their logits is the prediction."
    )
    precision: _Precision
    batch_size: int = Field(ge=1, le=100_000, description="Images that pass together.")
    origin: Origin

    @model_validator(mode="after")
    def _input_fits(self) -> "Card":
        given, kind, inputs = self.input, self.architecture.kind, self.architecture.inputs
        if isinstance(given, FeatureInput):
            fits = kind in ("head", "regression") and inputs == given.dimension
        elif given.frozen is not None:
            fits = kind in ("regression", "head" if given.frozen.until is None else "fine-tuned")
        else:
            side = given.size if given.resizing is None else given.resizing.image_size
            own = "network" if given.resizing is None else "fine-tuned"
            whole = {own: given.channels, "regression": given.channels * side**2}
            fits = whole.get(kind) == inputs
        if not fits:
            raise ValueError(f"a {kind} with {inputs} inputs does not take this input")
        return self


class WeightsFile(_Part):
    """The file of all tensors, in the same folder."""

    file: str = Field(pattern=r"^weights-[0-9a-f]{16}\.safetensors$")
    sha256: Sha256
    bytes: int = Field(ge=8, le=1 << 40)


class ModelDocument(Card):
    """The content of `model.json`."""

    format: Literal[1] = FORMAT
    lnlbench: _Name = Field(description="The version that wrote the folder.")
    weights: WeightsFile
