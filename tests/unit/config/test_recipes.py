"""The files of configs/: each is right, and the recipes of the published cells keep their sizes, batches and numbers."""

from pathlib import Path

import pytest
import torch

from segdepth.campaigns.published import CITYSCAPES_DEPTH, CITYSCAPES_SEG, KITTI_DEPTH, KITTI_SEG, PUBLISHED, Problem
from segdepth.config import Config, load_config
from segdepth.core.errors import ConfigError
from segdepth.tasks import create_network
from segdepth.training.parameters import freeze, parameter_groups

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
FILES = sorted(CONFIGS.glob("*.yml"))
#: From the published results.
BATCHES = {KITTI_SEG: 4, KITTI_DEPTH: 4, CITYSCAPES_DEPTH: 2}
NO_BACKBONE = ("frrnA", "dispnet")
#: What networks of others are made with, by the library in their address.
LIBRARIES = {"smp": "segmentation_models_pytorch"}


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.stem)
def recipe(request: pytest.FixtureRequest) -> tuple[Path, Config]:
    return request.param, load_config(request.param)


def test_there_is_a_recipe_for_every_cell() -> None:
    assert {file.stem for file in FILES} >= set(PUBLISHED)
    assert len(PUBLISHED) == 24


def test_the_recipe_builds_its_network_and_groups_its_parameters(recipe: tuple[Path, Config]) -> None:
    config = recipe[1]
    library = config.model.arch.partition(":")[0]
    if library in LIBRARIES:
        pytest.importorskip(LIBRARIES[library], reason=f"needs {LIBRARIES[library]}", exc_type=ImportError)
    with torch.device("meta"):
        net = create_network(config.model.arch, config.task, **config.model.options)
    settings = config.training
    freeze(net, backbone=settings.freeze_backbone, batch_norm=settings.freeze_batch_norm)
    groups = parameter_groups(net, settings.lr_factors)
    learning = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert sum(p.numel() for group in groups for p in group["params"]) == learning > 0


def test_the_recipe_is_for_what_its_name_says(recipe: tuple[Path, Config]) -> None:
    file, config = recipe
    network, dataset, task = file.stem.rsplit("_", 2)
    assert (config.data.dataset, config.task) == (dataset, task)
    assert f"{network}_".startswith(config.model.arch.replace(":", "_").lower() + "_") or network == config.model.arch
    path = config.data.path
    assert path is None or (not path.is_absolute() and path.parts[0] == "data")
    assert config.training.batch_size % config.training.accumulation == 0
    assert config.training.train_iters % config.training.val_interval == 0 or file.stem not in PUBLISHED
    text = file.read_text()
    assert f"configs/{file.name}" in text or file.stem not in PUBLISHED, "the comment says the command"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_cell_is_trained_at_the_published_size_and_says_the_number(name: str) -> None:
    cell = PUBLISHED[name]
    config = load_config(CONFIGS / f"{name}.yml")
    size = (config.data.img_rows, config.data.img_cols)
    if cell.problem.data == "kitti":
        assert size == (256, 832)
    else:
        assert size == ((256, 512) if name == "frrnA_cityscapes_depth" else (512, 1024))
    assert config.training.batch_size == BATCHES.get(cell.problem, config.training.batch_size)
    assert config.model.pretrained is (cell.network not in NO_BACKBONE)
    assert config.training.resume is None
    comment = "\n".join(line for line in (CONFIGS / f"{name}.yml").read_text().splitlines() if line.startswith("#"))
    scores = cell.scores
    said = [f"{100 * scores['mIoU']:.1f} %"] if "mIoU" in scores else [f"{scores[k]:.3f}" for k in ("abs_rel", "rmse")]
    for number in said:
        assert number in comment


@pytest.mark.parametrize("problem", [CITYSCAPES_SEG, KITTI_SEG, KITTI_DEPTH, CITYSCAPES_DEPTH], ids="_".join)
def test_the_cells_of_a_problem_share_everything_but_the_network_and_its_rates(problem: Problem) -> None:
    configs = [load_config(CONFIGS / f"{name}.yml") for name, cell in PUBLISHED.items() if cell.problem == problem]
    assert len(configs) == 6
    first, *others = configs
    for other in others:
        assert other.training.augmentations == first.training.augmentations
        assert other.training.lr_schedule == first.training.lr_schedule
        assert other.training.ema_decay == first.training.ema_decay
        assert other.data.path == first.data.path
        if problem.task == "depth":
            assert other.training.loss == first.training.loss
            assert not {"rcrop", "ccrop", "scale", "rscale"} & set(other.training.augmentations or ()), (
                "zooms change what depth is"
            )


def test_a_recipe_is_named_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("segnet_synthetic_depth")) == load_config(CONFIGS / "segnet_synthetic_depth.yml")
    with pytest.raises(
        ConfigError, match=r"no file and no recipe 'segnet_sinthetic_depth'.*did you mean 'segnet_synthetic_depth'"
    ):
        load_config(Path("segnet_sinthetic_depth"))
    (tmp_path / "segnet_synthetic_depth").write_text("task: seg\n")  # a file of that name goes first
    with pytest.raises(ConfigError, match="model"):
        load_config(Path("segnet_synthetic_depth"))
