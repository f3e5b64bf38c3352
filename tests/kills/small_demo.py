"""``segdepth demo --quick`` with a handful of pictures and updates: a script, so that its processes begin as the command's do."""

from pathlib import Path
from typing import Any

from segdepth.campaigns.demo import configs
from segdepth.cli import worlds
from segdepth.config import Config, check_config, config_to_dict

whole_configs, whole_world = configs.demo_configs, worlds.write_world

UPDATES = {"train_iters": 4, "val_interval": 2, "checkpoint_interval": 1, "print_interval": 1}


def small_configs(world: Path, **options: Any) -> dict[str, Config]:
    small = {}
    for task, config in whole_configs(world, **options).items():
        values = config_to_dict(config)
        values["data"] |= {"img_rows": 64, "img_cols": 192}
        values["training"] |= UPDATES | {"precision": "auto"}
        small[task] = check_config(values)
    return small


def small_world(root: Path, layout: worlds.Layout, **options: Any) -> int:
    return whole_world(root, layout, **options | {"height": 96, "width": 256, "workers": 1})


if __name__ == "__main__":
    from segdepth.cli import run

    configs.demo_configs = small_configs
    configs.demo_images = lambda **_: 8
    worlds.write_world = small_world
    run()
