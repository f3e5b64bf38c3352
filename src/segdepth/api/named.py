"""What a caller names: a network that is there or is loaded, a data set that is open or is opened."""

from collections.abc import Collection
from os import PathLike
from typing import Any

from segdepth.config import RECORDED, Config, check_config
from segdepth.core.errors import ConfigError
from segdepth.data import Dataset
from segdepth.networks import Network, device_of
from segdepth.tasks import Asked, find_origin

__all__ = ["NetworkOrPath", "input_size", "network_of", "recorded_config", "require_no_more"]

#: A network, or where one is: a run folder, a checkpoint file, the folder of a configuration's runs, ``owner/name`` on the hub,
#: or an address.
NetworkOrPath = Network | str | PathLike[str]


def network_of(named: NetworkOrPath, device: str, allow: Collection[str]) -> Network:
    """The network itself, where it is, or the one of a path, a repository of the hub or an address, on the device.

    Raises:
        SegdepthError: if there is none, or it cannot be had.
    """
    if isinstance(named, Network):
        return named
    target = device_of(device)
    return find_origin(str(named)).network(Asked(allow=allow)).to(target)


def recorded_config(net: Network) -> Config | None:
    """The configuration that a network was trained with; None of one that was not trained here.

    Raises:
        ConfigError: if this process does not know the data set in it.
    """
    values = net.card.config
    return None if values is None else check_config(values, where=f"the card of {net.card.arch}", unchecked=RECORDED)


def input_size(net: Network, said: tuple[int, int] | None, config: Config | None) -> tuple[int, int]:
    """Rows and columns of what a network sees.

    Raises:
        ConfigError: if nobody says it.
    """
    fixed = net.card.guest.size.fixed if net.card.guest else None
    trained = None if config is None else (config.data.img_rows, config.data.img_cols)
    size = said or net.card.input_size or fixed or trained
    if size is None:
        raise ConfigError(f"the card of {net.card.arch} does not say at which size it works: give size=(rows, columns)")
    return size


def require_no_more(dataset: Dataset, **said: Any) -> None:
    """Refuse what is said of a data set that is open already.

    Raises:
        ConfigError: naming the first.
    """
    for name, value in said.items():
        if value:
            raise ConfigError(f"{name}= is for a data set that is named; this {dataset.reader} is open already")
