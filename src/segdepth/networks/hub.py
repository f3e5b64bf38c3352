"""Networks in folders and repositories of the Hugging Face hub."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin, hf_hub_download

from segdepth.core.errors import CheckpointError
from segdepth.core.files import write_text

from .card import Card

__all__ = ["HubNetwork"]

N = TypeVar("N", bound="HubNetwork")

_WEIGHTS = "model.safetensors"
_CARD = "config.json"

#: What the hub calls our tasks, by kind of answer.
_PIPELINES = {"logits": "image-segmentation", "depth": "depth-estimation"}


class HubNetwork(ModelHubMixin):
    """``save_pretrained``, ``from_pretrained`` and ``push_to_hub``: weights with the card inside, and the card beside them.

    ``Network.from_pretrained`` gives whichever network the card names; ``SegNet.from_pretrained`` refuses any other.
    """

    card: Card

    _hub_mixin_config: dict[str, Any] = {}  # noqa: RUF012 - not None: the mixin shall not guess one from constructor arguments

    def _save_pretrained(self, save_directory: Path) -> None:
        _networks().save_network(self, save_directory / _WEIGHTS)
        write_text(save_directory / _CARD, self.card.model_dump_json(indent=2) + "\n")

    @classmethod
    def _from_pretrained(
        cls: type[N],
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        device: str = "cpu",
        **_from_config: Any,
    ) -> N:
        """The network of a folder or repository.

        Args:
            model_id: folder, or ``owner/name`` on the hub.
            revision: branch, tag or commit.
            cache_dir: of downloads.
            force_download: even what is in the cache.
            local_files_only: never ask the network.
            token: for private repositories.
            device: where the network shall live.
            _from_config: what the mixin reads out of ``config.json``; the card inside the weights says it better.

        Raises:
            CheckpointError: if there is no network, or one of another class.
        """
        where = Path(model_id)
        if not where.is_dir():
            where = Path(
                hf_hub_download(
                    model_id, _WEIGHTS, revision=revision, cache_dir=cache_dir, force_download=force_download,
                    local_files_only=local_files_only, token=token,
                )
            )  # fmt: skip
        net = _networks().load_network(where, device)
        if not isinstance(net, cls):
            raise CheckpointError(f"{model_id!r} holds a {type(net).__name__}, not a {cls.__name__}")
        return net

    def generate_model_card(self, **_: Any) -> ModelCard:
        """The repository's front page, from the card."""
        return ModelCard(model_page(self.card))


def _networks() -> ModuleType:
    """The package that this file is part of: whoever loads needs the table of networks, all of which stand on this file."""
    return import_module("segdepth.networks")


def model_page(card: Card) -> str:
    """A front page in the hub's form: metadata for its search, then what a reader wants to know."""
    tags = ["segdepth", card.arch, card.task]
    data = ModelCardData(library_name="segdepth", pipeline_tag=_PIPELINES[card.output], tags=tags)
    options = ", ".join(f"`{name}: {value}`" for name, value in card.options.items()) or "none"
    size = "any size" if card.input_size is None else "{} rows, {} columns".format(*card.input_size)
    answer = "metres" if card.output == "depth" else f"{card.out_channels} classes"
    scores = [f"| {name} | {value:.4f} |" for name, value in card.scores.items() if value is not None]
    lines = [
        f"---\n{data.to_yaml()}\n---\n",
        f"# {card.arch}, {card.task}\n",
        f"Answers {answer}. Trained at {size}; preprocessing `{card.preprocessing}`; options: {options}.\n",
        "```python",
        "from segdepth.networks import Network\n",
        'net = Network.from_pretrained("this repository or folder")',
        'net.predict("street.png")',
        "```\n",
        *(["| score | value |", "| --- | --- |", *scores, f"\nProtocol: `{card.protocol}`"] if scores else ()),
    ]
    return "\n".join(lines) + "\n"
