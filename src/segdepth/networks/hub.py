"""Networks in folders and repositories of the Hugging Face hub."""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from huggingface_hub import ModelCard, ModelHubMixin, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from torch import nn

from segdepth.core.errors import CheckpointError, reason
from segdepth.core.files import write_text

from .card import Card

__all__ = ["HubNetwork", "fetch", "is_repository"]

N = TypeVar("N", bound="HubNetwork")

_WEIGHTS = "model.safetensors"
_CARD = "config.json"

#: ``owner/name``, as the hub allows them.
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


class HubNetwork(ModelHubMixin):
    """``save_pretrained``, ``from_pretrained`` and ``push_to_hub``: weights with the card inside, and the card beside them.

    ``Network.from_pretrained`` gives whichever network the card names; ``SegNet.from_pretrained`` refuses any other.

    Attributes:
        write_checkpoint: weights and card to a file.
        read_checkpoint: the network of a file or folder, on a device; ``allow`` and ``module`` are those of
            :meth:`from_pretrained`.
        front_page: what a repository says of the network. The package hands the three over, because whoever reads needs the table
            of networks, all of which stand on this class.
    """

    card: Card
    write_checkpoint: ClassVar[Callable[[Any, Path], None]]
    read_checkpoint: ClassVar[Callable[..., Any]]
    front_page: ClassVar[Callable[[Any], str]]

    _hub_mixin_config: dict[str, Any] = {}  # noqa: RUF012 - not None: the mixin shall not guess one from constructor arguments

    def _save_pretrained(self, save_directory: Path) -> None:
        self.write_checkpoint(save_directory / _WEIGHTS)
        write_text(save_directory / _CARD, self.card.model_dump_json(indent=2) + "\n")

    @classmethod
    def from_pretrained(  # type: ignore[override] # the mixin's also hands config.json to a constructor; ours is the card inside
        cls: type[N],
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        device: str = "cpu",
        allow: Collection[str] = (),
        module: nn.Module | None = None,
    ) -> N:
        """The network of a folder, file or repository, in eval mode.

        Args:
            pretrained_model_name_or_path: folder or checkpoint file, or ``owner/name`` on the hub.
            revision: branch, tag or commit on the hub.
            cache_dir: of downloads.
            force_download: even what is in the cache.
            local_files_only: never ask the network.
            token: for private repositories.
            device: where the network shall live.
            allow: ``python:package.module:factory`` of the card, to let that code run.
            module: takes the weights in place of what the card names.

        Raises:
            CheckpointError: if there is no network, or one of another class, or the hub cannot be asked, or the card names code
                that is not allowed.
            InputError: if there is no such device.
        """
        model_id = str(pretrained_model_name_or_path)
        where = Path(model_id)
        if not where.exists():
            where = fetch(
                model_id, revision=revision, cache_dir=cache_dir, force_download=force_download,
                local_files_only=local_files_only, token=token,
            )  # fmt: skip
        net = cls.read_checkpoint(where, device, allow=allow, module=module)
        if not isinstance(net, cls):
            raise CheckpointError(f"{model_id!r} holds a {type(net).__name__}, not a {cls.__name__}")
        return net

    def generate_model_card(self, **_: Any) -> ModelCard:
        """The repository's front page, from the card."""
        return ModelCard(self.front_page())


def is_repository(name: str) -> bool:
    """Whether the hub could have a repository of that name."""
    return _REPOSITORY.fullmatch(name) is not None


def fetch(model_id: str, *, revision: str | None = None, local_files_only: bool = False, **settings: Any) -> Path:
    """The checkpoint of a repository, in the cache.

    Args:
        model_id: ``owner/name``.
        revision: branch, tag or commit.
        local_files_only: never ask the network.
        **settings: more for huggingface_hub.

    Raises:
        CheckpointError: if there is none, or the hub cannot be asked.
    """
    _require_repository(model_id, asked_for=local_files_only or revision is not None)
    return _download(model_id, revision=revision, local_files_only=local_files_only, **settings)


def _require_repository(model_id: str, *, asked_for: bool) -> None:
    """Refuse what can be no repository's name, and what is more likely a mistyped folder, before the hub is asked.

    Args:
        model_id: that is neither a folder nor a file here.
        asked_for: whether the user said anything that only the hub knows.
    """
    if not is_repository(model_id):
        raise CheckpointError(
            f"there is no folder or file {model_id!r}, and on the hub a network is called owner/name, in letters, digits, "
            "'-', '_' and '.'"
        )
    owner = model_id.partition("/")[0]
    if Path(owner).is_dir() and not asked_for:
        raise CheckpointError(
            f"the folder {owner!r} has no {model_id.partition('/')[2]!r} in it; if {model_id!r} is a repository of the hub, "
            "say so in Python with revision='main'"
        )


def _download(model_id: str, **settings: Any) -> Path:
    """The weights of a repository, in the cache.

    Raises:
        CheckpointError: if there are none, or the hub cannot be asked.
    """
    try:
        return Path(hf_hub_download(model_id, _WEIGHTS, **settings))
    except RepositoryNotFoundError:
        why = "there is no such repository, or it is private and the token does not open it"
    except RevisionNotFoundError:
        why = f"it has no revision {settings['revision']!r}"
    except LocalEntryNotFoundError:
        why = "it is not in the cache, and the hub " + (
            "was not to be asked" if settings["local_files_only"] else "cannot be reached"
        )
    except EntryNotFoundError:
        why = f"it holds no {_WEIGHTS}"
    except (OSError, ValueError) as error:  # HTTP's other errors, offline mode, a full disk, a name with two dots
        why = reason(error)
    raise CheckpointError(f"cannot get {model_id!r} from the hub: {why}")
