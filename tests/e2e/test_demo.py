"""The demonstration in small: a page from the first second on, at last everything on it, and nothing done twice."""

import multiprocessing
import re
from pathlib import Path

import pytest

from segdepth.campaigns.demo import course, run
from segdepth.campaigns.demo.configs import demo_configs
from segdepth.campaigns.demo.page import DemoPage, ExplorerPage
from segdepth.campaigns.demo.run import Finished, finished_scores, run_demo
from segdepth.cli import main
from segdepth.cli.demo import _make_explorer
from segdepth.cli.worlds import write_world
from segdepth.config import check_config, config_to_dict
from segdepth.config.schema import Config
from segdepth.core.errors import DataError
from segdepth.report import write_demo_page


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
        values["data"] |= {"img_rows": 64, "img_cols": 192}
        values["training"] |= {
            "train_iters": 4,
            "val_interval": 2,
            "checkpoint_interval": 1,
            "print_interval": 1,
            "precision": "auto",
        }
        small[task] = check_config(values)
    return small


class Impatient(Unwatched):
    """Presses Ctrl-C at the first update."""

    def step(self, step: int, loss: float | None, rate: float) -> None:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_the_page_fills_and_an_interrupted_demonstration_goes_on(
    configs: dict[str, Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "_SOON", 0.0)
    pages: list[DemoPage] = []
    watchers = {"seg": Unwatched(), "depth": Impatient()}
    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path, configs, make_world=lambda: None, watchers=watchers, show=pages.append)
    assert not multiprocessing.active_children(), "nothing is left running"
    first, world, *_, stopped = pages
    assert not first.examples, "there is a page before there is a world"
    assert world.examples
    assert all(answer is None for e in world.examples for _, answer in e.pictures.values())
    assert {page.state for page in pages} == {"working", "stopped"}
    assert stopped.state == "stopped"
    assert finished_scores(tmp_path, configs) is None

    rest = {"seg": Unwatched(), "depth": Unwatched()}
    goes_on: list[DemoPage] = []
    explored: list[Finished] = []

    def explore(made: Finished) -> ExplorerPage:
        explored.append(made)
        return _make_explorer(tmp_path, made)

    scores = run_demo(
        tmp_path, configs, make_world=lambda: None, watchers=rest, show=goes_on.append, explore=explore, quick=True
    )
    *_, explaining, last = goes_on
    assert [folder.parent.name for folder in explored[0].networks] == ["fcn8s_seg", "fcn8s_depth"]
    assert last.explorer is not None
    assert last.explorer.bytes == (tmp_path / last.explorer.name).stat().st_size < 8e6
    assert "fcn8s depth" in (tmp_path / last.explorer.name).read_text()
    assert explaining.explorer is None
    assert rest["depth"].updates < 4
    assert len(list((tmp_path / "fcn8s_depth").iterdir())) == 1, "the run that was interrupted"
    assert last.tasks["depth"].log[-1]["step"] == 4
    assert {page.state for page in goes_on[:-1]} == {"working"}
    assert explaining.tasks["seg"].scores, "answers before the end"
    assert not explaining.explained

    for number, page in enumerate((first, world, stopped, explaining, last)):
        write_demo_page(page, tmp_path / f"{number}.html")
        text = (tmp_path / f"{number}.html").read_text()
        assert ("location.reload" in text) == (page.state == "working"), "only what goes on renews itself"
        assert ("quick form" in text) == page.quick
        links = set(re.findall(r"(?:src|href)=[\"'](?!data:)([^\"']*)", text))
        assert links == ({"explorer.html"} if page is last else set()), "self-contained, but for what stands beside it"

    assert {name for explained in last.explained for name in explained.maps} == {"seg", "depth"}
    assert text.count("data:image/png") >= 2 + 5 * len(last.examples) + 3 * len(last.explained)
    shares = {row.statistic: row.means for row in last.statistics}
    for task in last.tasks.values():
        assert set(task.baselines) == {"constant", "position"}
        assert f"{task.scores[task.facts.best_score]:.4f}" in text
        assert f"{task.baselines['constant'][task.facts.best_score]:.4f}" in text
        assert scores[task.facts.name]["fcn8s"] == task.scores
        ratios = [shares[f"activation ratio at {t}"][task.facts.name] for t in (0.1, 0.5, 0.9)]
        assert 1 > ratios[0] > ratios[1] > ratios[2] > 0
        assert 1 > shares["activation distance at 0.1"][task.facts.name] > 0
    assert finished_scores(tmp_path, configs) == scores
    assert finished_scores(tmp_path, {"seg": configs["seg"]}) is None


def test_a_page_that_an_error_stopped_says_so(configs: dict[str, Config], tmp_path: Path) -> None:
    def no_world() -> None:
        raise DataError("nowhere to put it")

    pages: list[DemoPage] = []
    with pytest.raises(DataError):
        run_demo(tmp_path, configs, make_world=no_world, watchers={}, show=pages.append)
    assert [page.state for page in pages] == ["working", "stopped"]
    assert "nowhere" in pages[-1].now


def test_a_finished_demonstration_is_only_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    scores = {"seg": {"fcn8s": {"mIoU": 0.25}}, "depth": {"fcn8s": {"abs_rel": 0.125}}}
    run._keep_scores(tmp_path, demo_configs(tmp_path / "world", quick=True), scores)
    (tmp_path / "index.html").write_text("the page")
    (tmp_path / "explorer.html").write_text("the page to move over")
    assert main(["demo", "--quick", "--out", str(tmp_path)]) == 0
    said = capfd.readouterr()
    assert "0.2500" in said.out
    assert "0.1250" in said.out
    uri = (tmp_path / "index.html").as_uri()
    assert uri in said.out
    assert uri in said.err
    assert "worse" in said.err
