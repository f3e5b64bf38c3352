"""The demonstration's two configurations differ in the loss and the schedule, not in the network or the world."""

from pathlib import Path

from segdepth.campaigns.demo.configs import demo_configs, demo_images


def test_one_network_and_one_world_for_both_tasks() -> None:
    configs = demo_configs(Path("world"), seed=7)
    assert configs.keys() == {"seg", "depth"} == {config.task for config in configs.values()}
    seg, depth = configs["seg"], configs["depth"]
    assert (seg.model, seg.data, seg.seed) == (depth.model, depth.data, 7)
    assert seg.training.loss != depth.training.loss


def test_the_short_form_is_shorter() -> None:
    assert demo_images(quick=True) < demo_images()
    whole, quick = demo_configs(Path("world")), demo_configs(Path("world"), quick=True)
    for task in whole:
        assert quick[task].training.train_iters < whole[task].training.train_iters
        assert quick[task].data == whole[task].data
