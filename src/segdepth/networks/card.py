"""The card that travels with the weights: what network this is, what it was trained for, how it scored."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from segdepth.core.tables import did_you_mean

from .outputs import OUTPUTS

__all__ = ["Card", "Classes"]


def _known(output: str) -> str:
    if output not in OUTPUTS:
        raise ValueError(f"no output named {output!r} {did_you_mean(output, OUTPUTS)}")
    return output


class Classes(BaseModel):
    """Names, colours (RGB) and label ids of the train ids, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    label_ids: tuple[int, ...]


class Card(BaseModel):
    """Everything about a network but its weights. JSON in a checkpoint's metadata.

    Attributes:
        arch: name in the table of networks.
        options: the network's own options.
        output: what the network answers, a name in :data:`~segdepth.networks.outputs.OUTPUTS`.
        out_channels: number of classes, or as many as the output has.
        preprocessing: name in the table of preprocessings.
        task: name in the table of tasks.
        input_size: rows and columns that it was trained at; pictures are resized to it. None: any.
        classes: of a segmentation network, where known.
        scores: the last validation's scores.
        protocol: how these scores were taken.
        config: the training run's configuration.
        provenance: versions, git revision, host of the training run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    arch: str
    options: dict[str, Any] = Field(default_factory=dict)
    output: Annotated[str, AfterValidator(_known)]
    out_channels: int = Field(ge=1)
    preprocessing: str
    task: str
    input_size: tuple[int, int] | None = None
    classes: Classes | None = None
    scores: dict[str, float | None] = Field(default_factory=dict)
    protocol: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] | None = None
    provenance: dict[str, Any] | None = None
