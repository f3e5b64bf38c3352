"""Networks of transformers: by model type, by folder, wrapped; each again from its card alone."""

import shutil
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch

import segdepth
from segdepth import create_network, wrap
from segdepth.config import Config
from segdepth.config.schema import ModelSection
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.data import open_dataset
from segdepth.networks import Card, GuestNetwork, build_network, names_in, save_network
from segdepth.networks.export import export_onnx, export_torch
from segdepth.tasks import Asked, find_origin, task_said_by
from segdepth.training import train

from ...training.tiny import assert_same_state, small
from .tiny_transformers import SMALL, folder_of, hf, segformer

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library's own code

MAKERS = pytest.importorskip("gallery.networks_transformers", reason="needs the package transformers")

#: What the gallery makes: task, output, whether the only size is fixed.
TYPES: dict[str, tuple[str, str, bool]] = {
    "segformer": ("seg", "logits", False),
    "glpn": ("depth", "metres", False),
    "dpt_depth": ("depth", "relative_inverse_depth", True),
    "dpt_seg": ("seg", "logits", True),
    "dpt_hybrid": ("depth", "relative_inverse_depth", True),
    "depth_anything": ("depth", "relative_inverse_depth", False),
    "depth_anything_metric": ("depth", "metres", False),
    "upernet_convnext": ("seg", "logits", False),
    "upernet_swin": ("seg", "logits", False),
    "mobilevit": ("seg", "logits", False),
    "beit": ("seg", "logits", False),
    "data2vec": ("seg", "logits", True),
    "zoedepth": ("depth", "metres", False),
    "depth_pro": ("depth", "relative_inverse_depth", True),
    "eomt": ("seg", "logits", True),
    "mask2former": ("seg", "logits", False),
    "maskformer": ("seg", "logits", False),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_folder_s_network_is_the_library_s_and_comes_back_from_its_card(name: str, tmp_path: Path) -> None:
    task, output, fixed = TYPES[name]
    theirs = getattr(MAKERS, name)().eval()
    folder = folder_of(theirs, tmp_path / "net")
    net = create_network(f"hf:{folder}", task, num_classes=None, pretrained=True)
    assert isinstance(net, GuestNetwork)
    assert net.training
    shutil.rmtree(folder)
    back = build_network(Card.model_validate_json(net.card.model_dump_json()))
    back.load_state_dict(net.state_dict())
    assert net.card.output == output
    assert net.card.guest is not None
    assert net.card.guest.weights == str(folder)
    rows, cols = net.facts.size.fixed or (75, 91)
    assert (net.facts.size.fixed is not None) == fixed == (net.card.input_size is not None)
    x = torch.rand(2, 3, rows, cols)
    answer = net.eval()(x)
    assert answer.shape[-2:] == (rows, cols)
    assert torch.equal(back.eval()(x), answer)
    fitting = net.facts.size.fit(x)
    size = fitting.shape[-2], fitting.shape[-1]
    with torch.no_grad():
        want, got = net._map(theirs(fitting), size, 2), net._map(net.guest(fitting), size, 2)
    same = bool((got - want).abs().max() <= 1e-4 * want.abs().max())
    assert same, "but for the layout in memory it computes the same"


def test_a_model_type_with_options() -> None:
    net = create_network("hf:segformer", num_classes=4, **SMALL)
    assert net.card.arch == "hf:segformer"
    assert net.card.options["hidden_sizes"] == [4, 4, 8, 8]
    assert net.card.options["architectures"] == ["SegformerForSemanticSegmentation"]
    assert not {"id2label", "transformers_version"} & net.card.options.keys()
    assert net(torch.rand(2, 3, 37, 50)).shape == (2, 4, 37, 50)
    assert isinstance(net, GuestNetwork)
    assert net.encoder is net.guest.segformer


def test_one_network_both_tasks() -> None:
    net = create_network("hf:segformer", "depth", **SMALL)
    assert net.card.output == "depth"
    assert net(torch.rand(2, 3, 64, 64)).shape == (2, 1, 64, 64)
    assert create_network("hf:segformer", "normals", **SMALL)(torch.rand(2, 3, 64, 64)).shape == (2, 3, 64, 64)


def test_depth_from_chance_learns_from_the_first_update() -> None:
    """A head that ends in a ReLU begins above zero, where it has a slope, and answers about ten metres."""
    backbone = {
        "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 7,
        "out_indices": [1, 1, 2, 2],
    }  # fmt: skip
    options: dict[str, Any] = {
        "backbone_config": backbone | {"out_indices": [1, 2]}, "patch_size": 7, "reassemble_hidden_size": 8,
        "reassemble_factors": [2, 1], "neck_hidden_sizes": [4, 4], "fusion_hidden_size": 4, "head_hidden_size": 4,
    }  # fmt: skip
    net = create_network("hf:depth_anything", "depth", **options)
    assert net.card.output == "inverse_metres"
    answer = net(torch.rand(2, 3, 50, 64))
    assert 5 < answer.median() < 20
    answer.log().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.guest.head.conv3.parameters())  # type: ignore[union-attr, operator]


def test_names_of_classes_come_with_a_head_that_is_the_weights_own(tmp_path: Path) -> None:
    module = segformer()
    module.config.id2label = {0: "road", 1: "wall", 2: "sky"}
    folder = folder_of(module, tmp_path)
    assert create_network(f"hf:{folder}", num_classes=3, pretrained=True).channel_names == ("road", "wall", "sky")
    assert create_network(f"hf:{folder}", num_classes=3).channel_names == ()
    assert create_network(f"hf:{folder}", num_classes=2, pretrained=True).channel_names == ()


def test_a_folder_gives_its_configuration_and_preprocessing_without_weights(tmp_path: Path) -> None:
    folder = folder_of(segformer(), tmp_path, image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.5, 0.5])
    (folder / "model.safetensors").unlink()
    net = create_network(f"hf:{folder}", num_classes=5, depths=[1, 1, 1, 2])
    assert net.card.preprocessing.mean == (0.1, 0.2, 0.3)
    assert net.card.options["depths"] == [1, 1, 1, 2]
    assert net.card.options["hidden_sizes"] == [4, 4, 8, 8]


@pytest.mark.parametrize(
    ("arch", "task", "options", "words"),
    [
        ("hf:segformer", "seg", {"hidden_size": [4]}, r"hf:segformer has no option 'hidden_size' .*did you mean 'hidden_sizes'"),
        ("hf:segformer", "seg", {"depths": "many"}, "hf:segformer: the configuration is refused: .*depths"),
        ("hf:segformer", "seg", {"depths": [1]}, "hf:segformer cannot be built from this configuration: "),
        ("hf:segformer", "seg", {"num_labels": 3}, "no option 'num_labels': classes follow from the data"),
        ("hf:segformer", "seg", {"trust_remote_code": True}, "code that comes with a network is never run"),
        ("hf:depth_anything", "depth", {"backbone_config": {"hiden_size": 8}}, "backbone_config has no option 'hiden_size'"),
        ("hf:vit", "seg", {}, "networks of the model type 'vit' do not answer labels .*segformer"),
        ("hf:vit", "depth", {}, "networks of the model type 'vit' do not answer depth .*dpt.*segformer"),
        ("hf:detr", "seg", {}, "networks of the model type 'detr' do not answer labels"),
        ("hf:glpn", "seg", {}, "'glpn' do not answer labels"),
        ("hf:chmv2", "depth", {}, "what the numbers of CHMv2ForDepthEstimation mean is not known here"),
        ("hf:segformr", "seg", {}, "no folder or model type 'segformr' .*did you mean 'segformer'"),
    ],
    ids=["option", "type", "value", "labels", "trust", "inner option", "no map", "no depth", "queries", "task", "meaning",
         "name"],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(
    arch: str, task: str, options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if arch == "hf:chmv2":  # 300 million parameters
        monkeypatch.setattr(hf, "CHMv2ForDepthEstimation", lambda config: torch.nn.Identity())
    with pytest.raises(ConfigError, match=words) as caught:
        create_network(arch, task, num_classes=3, **options)
    assert "\n" not in str(caught.value)


def test_a_card_names_no_other_class_of_the_library() -> None:
    card = create_network("hf:segformer", num_classes=4, **SMALL).card
    other = card.model_copy(update={"options": card.options | {"architectures": ["Trainer"]}})
    with pytest.raises(CheckpointError, match="'Trainer' is no class of transformers that answers maps"):
        build_network(other)
    with pytest.raises(CheckpointError, match="never run here"):
        build_network(card.model_copy(update={"options": card.options | {"auto_map": {"AutoModel": "x.Y"}}}))
    with pytest.raises(CheckpointError, match="knows no model type 'segformer9'"):
        build_network(card.model_copy(update={"options": card.options | {"model_type": "segformer9"}}))


def test_a_wrapped_module_of_the_library_is_loaded_without_it(tmp_path: Path) -> None:
    net = wrap(segformer(), classes=3)
    assert net.card.arch == "hf:segformer"
    save_network(net, tmp_path / "net.safetensors")
    back = segdepth.load(tmp_path / "net.safetensors")
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(back(x), net.eval()(x))
    patches = wrap(MAKERS.depth_anything(), task="depth", answers="inverse_metres")
    assert isinstance(patches, GuestNetwork)
    assert (patches.facts.size.multiple, patches.facts.encoder) == (7, "backbone")
    assert wrap(segformer(), classes=3, name="mine").card.arch == "mine"
    bare = wrap(hf.SegformerModel(hf.SegformerConfig(**SMALL)), classes=8, output="last_hidden_state")
    assert bare.card.arch == "SegformerModel"


def test_nothing_of_the_library_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(segformer(), tmp_path)
    capfd.readouterr()
    create_network(f"hf:{folder}", num_classes=7, pretrained=True)
    out, err = capfd.readouterr()
    assert "mismatch" not in (out + err).lower().replace("segdepth", "")
    assert "Loading" not in err


def test_what_answers_are_taken_for_is_said_where_nobody_says_what_they_mean(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(MAKERS.depth_anything(), tmp_path / "net")
    caplog.set_level("INFO", "segdepth")
    create_network(f"hf:{folder}", "depth", pretrained=True, answers="inverse_metres")
    assert "are taken for" not in caplog.text
    create_network(f"hf:{folder}", "depth", pretrained=True)
    assert "its answers are taken for inverse depth up to scale and shift" in caplog.text


@pytest.mark.usefixtures("frames_drawn_once")
def test_a_run_goes_on_exactly_when_its_folder_is_gone(tmp_path: Path) -> None:
    folder = folder_of(segformer(drop_path_rate=0.5), tmp_path / "net")

    def configured(iterations: int, **more: Any) -> Config:
        base = small("segnet", "depth", train_iters=iterations, val_interval=2, checkpoint_interval=2, **more)
        model = ModelSection(arch=f"hf:{folder}", pretrained=True)
        return base.model_copy(update={"model": model})

    def run(config: Config, name: str) -> Path:
        return train(config, name=name, root=tmp_path, accelerator="cpu").folder

    straight, half = run(configured(4), "straight"), run(configured(2), "half")
    shutil.rmtree(folder)
    assert_same_state(straight, run(configured(4, resume=str(half)), "half"))
    assert segdepth.load(straight).card.task == "depth"


@pytest.mark.slow
def test_export_with_fixed_sizes_and_a_sentence_where_free_ones_cannot_be(tmp_path: Path) -> None:
    jaxtyping.config.update("jaxtyping_disable", True)  # a tracer's sizes are symbols
    try:
        export_torch(create_network("hf:segformer", num_classes=3, **SMALL), tmp_path / "fixed.pt2", size=(64, 96))
        export_onnx(create_network("hf:segformer", num_classes=3, **SMALL), tmp_path / "free.onnx")
        patches = wrap(MAKERS.depth_anything(), task="depth", answers="inverse_metres")
        with pytest.raises(InputError, match=r"hf:depth_anything cannot be exported: fix its rows and columns"):
            export_torch(patches, tmp_path / "free.pt2")
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    assert not (tmp_path / "free.pt2").exists()


@pytest.mark.parametrize(
    ("name", "task"),
    [("segformer", "seg"), ("glpn", "depth"), ("depth_anything", "depth"), ("mask2former", "seg"), ("dpt", None),
     ("no/folder", None)],
)  # fmt: skip
def test_a_model_type_says_its_task_where_it_has_one(name: str, task: str | None) -> None:
    assert task_said_by(f"hf:{name}") == task


def test_a_folder_says_its_task_by_the_class_that_it_was_saved_from(tmp_path: Path) -> None:
    config = hf.DPTConfig(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32,
                          backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[4, 4, 4, 4], fusion_hidden_size=4)  # fmt: skip
    for made, task in ((hf.DPTForDepthEstimation, "depth"), (hf.DPTForSemanticSegmentation, "seg")):
        folder = folder_of(made(config), tmp_path / task)
        assert task_said_by(f"hf:{folder}") == task
        assert find_origin(f"hf:{folder}").network(Asked()).card.task == task


def test_weights_that_come_with_named_classes_keep_them_whatever_the_data(tmp_path: Path) -> None:
    names = {0: "road", 1: "car", 2: "rest"}
    folder = folder_of(segformer(id2label=names, label2id={name: key for key, name in names.items()}), tmp_path / "net")
    data = open_dataset("synthetic", path=None, split="val", target="labels")
    asked = Asked("seg", lambda _: data)
    assert find_origin(f"hf:{folder},pretrained=true").network(asked).channel_names == ("road", "car", "rest")
    assert find_origin(f"hf:{folder}").network(asked).out_channels == 19
    assert find_origin(f"hf:{folder},num_classes=null").network(asked).out_channels == 3


def test_model_types_are_listed() -> None:
    found = names_in("hf")
    assert {"segformer", "depth_anything", "mask2former"} <= set(found)
    assert "bert" not in found
