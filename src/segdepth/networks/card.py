"""The card that travels with the weights: what network this is, what it was trained for, how it scored."""

from collections.abc import Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, model_validator

from segdepth.core.tables import did_you_mean

from .outputs import OUTPUTS
from .preprocessing import NamedNormalisation
from .sizes import SizeRule

__all__ = ["Card", "Classes", "GuestFacts"]


def _known(output: str) -> str:
    if output not in OUTPUTS:
        raise ValueError(f"no output named {output!r} {did_you_mean(output, OUTPUTS)}")
    return output


def _newest(form: Any) -> Any:
    """Cards of the first form, which named their preprocessing, are read as those of the second."""
    return 2 if form == 1 and not isinstance(form, bool) else form


class Classes(BaseModel):
    """Names, colours (RGB) and label ids of the train ids, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    label_ids: tuple[int, ...]

    @classmethod
    def named(cls, names: Sequence[str]) -> "Classes":
        """Classes of which only names are known: their ids are their places, their colours are drawn, always the same."""
        drawn = Random(0)
        colours = tuple((drawn.randrange(40, 256), drawn.randrange(40, 256), drawn.randrange(40, 256)) for _ in names)
        return cls(names=tuple(names), colours=colours, label_ids=tuple(range(len(names))))


class GuestFacts(BaseModel):
    """What has to be known of a module that was not written for this house.

    Attributes:
        part: which part of its answer is the map: a key, an attribute, a number; None where that is clear.
        encoder: path of the module that holds what was learned elsewhere; None if there is none.
        size: which sizes of pictures it takes.
        weights: where its first weights came from; None: from chance.
        variant: which of the networks of its address it is, in a word; None: there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str | int | tuple[str | int, ...] | None = None
    encoder: str | None = None
    size: SizeRule = SizeRule()
    weights: str | None = None
    variant: str | None = None


class Card(BaseModel):
    """Everything about a network but its weights. JSON in a checkpoint's metadata.

    Attributes:
        arch: name in the table of networks, or the address that a network of somebody else came from.
        options: the network's own options.
        output: what the network answers, a name in :data:`~segdepth.networks.outputs.OUTPUTS`.
        out_channels: number of classes, or as many as the output has.
        preprocessing: mean, deviation, order and range; cards of the first form hold a name of the table.
        task: name in the table of tasks.
        guest: of a network of somebody else, how it is called and answers.
        input_size: rows and columns that it was trained at; pictures are resized to it. None: any.
        classes: of a segmentation network, where known.
        scores: the last validation's scores.
        protocol: how these scores were taken.
        config: the training run's configuration.
        provenance: versions, git revision, host of the training run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[Literal[2], BeforeValidator(_newest)] = 2
    arch: str
    options: dict[str, Any] = Field(default_factory=dict)
    output: Annotated[str, AfterValidator(_known)]
    out_channels: int = Field(ge=1)
    preprocessing: NamedNormalisation
    task: str
    guest: GuestFacts | None = None
    input_size: tuple[PositiveInt, PositiveInt] | None = None
    classes: Classes | None = None
    scores: dict[str, float | None] = Field(default_factory=dict)
    protocol: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] | None = None
    provenance: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """Its name or address, and which of the networks of that address it is."""
        return f"{self.arch} {self.guest.variant}" if self.guest and self.guest.variant else self.arch

    @model_validator(mode="after")
    def _one_class_a_channel(self) -> "Card":
        known = self.classes
        if known is not None and {len(known.names), len(known.colours), len(known.label_ids)} != {self.out_channels}:
            raise ValueError(
                f"classes need a name, a colour and a label id for each of the {self.out_channels} channels"
            )
        return self
