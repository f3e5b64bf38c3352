"""The configurations that come with segdepth: ``configs`` in a checkout, a folder of the package where it is installed."""

import re
from pathlib import Path

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean

__all__ = ["located", "recipe_folder", "recipe_names"]


def recipe_folder() -> Path:
    """Where they are.

    Example:
        >>> (recipe_folder() / "segnet_synthetic_depth.yml").is_file()
        True
    """
    package = Path(__file__).parents[1]
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parents[1] / "configs"


def recipe_names() -> list[str]:
    """All that can be asked for by name."""
    return sorted(path.stem for path in recipe_folder().glob("*.yml"))


def located(path: Path) -> Path:
    """The file of a configuration: a path, or a recipe's bare name where no such file is here.

    Raises:
        ConfigError: if it is neither, but looks like a name.

    Example:
        >>> located(Path("segnet_synthetic_depth")).name
        'segnet_synthetic_depth.yml'
        >>> located(Path("elsewhere/mine.yml")).as_posix()
        'elsewhere/mine.yml'
    """
    if path.exists() or not re.fullmatch(r"[A-Za-z0-9_]+", str(path)):
        return path
    if str(path) not in (names := recipe_names()):
        raise ConfigError(f"no file and no recipe {str(path)!r} {did_you_mean(str(path), names)}")
    return recipe_folder() / f"{path}.yml"
