"""Where a network of transformers comes from: a model type, a folder, a repository of the hub or its cache."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download, snapshot_download

from segdepth.core import reading
from segdepth.core.errors import CheckpointError, ConfigError, reason
from segdepth.core.tables import did_you_mean

from .library import imported

__all__ = ["WEIGHTS", "WEIGHTS_INDEX", "Source", "find_source", "quiet", "read_json"]

CONFIG = "config.json"
PREPROCESSING = "preprocessor_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"

#: What is fetched of a repository.
_FILES = (CONFIG, PREPROCESSING, WEIGHTS, WEIGHTS_INDEX, "model-*.safetensors")


@dataclass(frozen=True)
class Source:
    """A configuration, and what lies beside it.

    Attributes:
        name: as the user wrote it.
        model_type: the library's name of the kind of network.
        settings: of its configuration.
        folder: that holds it; None of a model type alone.
        processing: settings of its image processor; empty where it has none.
        remarks: sentences that its user has to read.
    """

    name: str
    model_type: str
    settings: dict[str, Any]
    folder: Path | None = None
    processing: dict[str, Any] | None = None
    remarks: tuple[str, ...] = ()


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's warnings and progress bars: what has to be said, we say."""
    logging = imported("transformers.utils.logging", "hf")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def find_source(name: str, *, download: bool) -> Source:
    """What stands behind ``hf:``.

    A model type goes before a folder of its name, which is to be had as ``./name``.

    Args:
        name: a model type, a folder, or ``owner/name`` on the hub.
        download: whether the hub may be asked.

    Raises:
        ConfigError: if it is nothing of these.
        CheckpointError: if it cannot be had, holds no configuration, or one that names code of its own.
    """
    types = imported("transformers.models.auto.configuration_auto", "hf").CONFIG_MAPPING_NAMES
    folder = Path(name).expanduser()
    if name in types:
        beside = (
            (f"this is the library's model type; the folder of that name is hf:./{name}",) if folder.is_dir() else ()
        )
        return Source(name, name, {}, remarks=beside)
    if folder.is_dir():
        return _of_folder(name, folder)
    if folder.exists():
        raise ConfigError(f"hf:{name} is a file; give the folder that holds its {CONFIG}")
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or name.endswith("/"):
        known = sorted({*_answering()})
        where = f"folder {name!r}" if "/" in name else f"folder or model type {name!r} {did_you_mean(name, known)}"
        raise ConfigError(f"hf: there is no {where}; a network of the hub is called owner/name")
    return _of_folder(name, _fetched(name) if download else _cached(name))


def _answering() -> list[str]:
    auto = imported("transformers.models.auto.modeling_auto", "hf")
    return [*auto.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES, *auto.MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES]


def _cached(name: str) -> Path:
    """The folder of a repository in the hub's cache; nothing is asked of the hub."""
    try:
        return Path(hf_hub_download(name, CONFIG, local_files_only=True)).parent
    except Exception:  # of the many ways in which it is not there
        raise CheckpointError(
            f"hf:{name} is not here, and nothing is downloaded unless pretrained: true says so; say that, or give a folder "
            f"with its {CONFIG}"
        ) from None


def _fetched(name: str) -> Path:
    """The folder of a repository: its configuration first, so that weights of what is refused are not fetched."""
    try:
        folder = Path(hf_hub_download(name, CONFIG)).parent
        refuse_code(read_json(folder / CONFIG), f"hf:{name}")
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except CheckpointError:
        raise
    except Exception as error:  # of HTTP, of the hub, of the disk
        raise CheckpointError(f"hf:{name} cannot be had from the hub: {reason(error)}") from None


def _of_folder(name: str, folder: Path) -> Source:
    settings = read_json(folder / CONFIG)
    arch = f"hf:{name}"
    if {"arch", "out_channels", "preprocessing"} <= settings.keys():
        raise CheckpointError(f"{arch} holds a network that segdepth saved; give the folder without 'hf:'")
    refuse_code(settings, arch)
    types = imported("transformers.models.auto.configuration_auto", "hf").CONFIG_MAPPING_NAMES
    model_type = settings.get("model_type")
    if not isinstance(model_type, str):
        raise CheckpointError(f"{arch}: {CONFIG} names no model_type, so it is no configuration of transformers")
    if model_type not in types:
        raise CheckpointError(f"{arch}: this version of transformers knows no model type {model_type!r}")
    processing = folder / PREPROCESSING
    return Source(name, model_type, settings, folder, read_json(processing) if processing.is_file() else None)


def refuse_code(settings: Any, arch: str) -> None:
    """Refuse a configuration that names code of its own, at any depth.

    Raises:
        CheckpointError: if it does.
    """
    if not isinstance(settings, dict):
        return
    if "auto_map" in settings:
        raise CheckpointError(
            f"{arch} is made by code of its own (auto_map in its configuration), which is never run here; build it yourself and "
            "give it as python:package.module:factory, or to segdepth.wrap"
        )
    for inner in settings.values():
        refuse_code(inner, arch)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a file.

    Raises:
        CheckpointError: if it is not there or holds none.
    """
    return reading.read_json(path, f"the {path.name} of a network", error=CheckpointError)
