"""The demonstration in small: everything on one page, and nothing done twice."""

import re
from pathlib import Path

import pytest

from segdepth.cli.worlds import write_world
from segdepth.config import check_config, config_to_dict
from segdepth.config.schema import Config
from segdepth.report import write_demo_page
from segdepth.studies.demo import demo_configs, run_demo


class Unwatched:
    """Counts updates."""

    def __init__(self) -> None:
        self.updates = 0

    def start(self, step: int, total: int) -> None: ...

    def step(self, step: int, loss: float | None, rate: float) -> None:
        self.updates += 1

    def validating(self, done: int, total: int) -> None: ...


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Config]:
    world = tmp_path_factory.mktemp("world")
    write_world(world, "cityscapes", num_images=8, height=96, width=256, seed=0, progress=lambda done, total: None)
    small = {}
    for task, config in demo_configs(world).items():
        values = config_to_dict(config)
        values["model"]["width"] = 0.125
        values["data"] |= {"img_rows": 64, "img_cols": 192}
        values["training"] |= {
            "train_iters": 2,
            "val_interval": 1,
            "print_interval": 1,
            "n_workers": 0,
            "precision": "auto",
        }
        small[task] = check_config(values)
    return small


def test_the_page_shows_everything_and_needs_nothing(configs: dict[str, Config], tmp_path: Path) -> None:
    said: list[str] = []
    watcher = Unwatched()
    result = run_demo(tmp_path, configs, say=said.append, progress=lambda: watcher)
    assert watcher.updates == 4
    assert set(result.tasks) == {"seg", "depth"}
    for task in result.tasks.values():
        assert set(task.baselines) == {"constant", "position"}
        assert task.scores[task.best_score] is not None
    for explained in result.explained:
        assert set(explained.maps) == {"seg", "depth"}

    shares = {row.statistic: row.means for row in result.statistics}
    for task in result.tasks:
        ratios = [shares[f"activation ratio at {t}"][task] for t in (0.1, 0.5, 0.9)]
        assert 1 > ratios[0] > ratios[1] > ratios[2] > 0
        assert 1 > shares["activation distance at 0.1"][task] > 0

    page = tmp_path / "index.html"
    write_demo_page(result, page)
    text = page.read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:)", text), "self-contained"
    assert text.count("data:image/png") >= 2 + 5 * len(result.examples) + 3 * len(result.explained)
    for task in result.tasks.values():
        assert f"{task.scores[task.best_score]:.4f}" in text
        assert f"{task.baselines['constant'][task.best_score]:.4f}" in text

    again = Unwatched()
    repeated = run_demo(tmp_path, configs, say=said.append, progress=lambda: again)
    assert again.updates == 0, "finished runs are used again"
    assert {n: t.scores for n, t in repeated.tasks.items()} == {n: t.scores for n, t in result.tasks.items()}


def test_an_interrupted_demonstration_goes_on(configs: dict[str, Config], tmp_path: Path) -> None:
    class Impatient(Unwatched):
        def step(self, step: int, loss: float | None, rate: float) -> None:
            super().step(step, loss, rate)
            if self.updates == 3:  # in the middle of the second task
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watcher = Impatient()
        run_demo(tmp_path, configs, say=lambda text: None, progress=lambda: watcher)
    rest = Unwatched()
    result = run_demo(tmp_path, configs, say=lambda text: None, progress=lambda: rest)
    assert rest.updates == 1
    assert len(list((tmp_path / "segnet_depth").iterdir())) == 1
    assert result.tasks["depth"].log[-1]["step"] == 2
