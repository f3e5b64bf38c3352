"""Addresses, and the line on which a network is named with its options."""

from typing import Any

import pytest

from segdepth.core.errors import ConfigError
from segdepth.networks.guests import address
from segdepth.networks.guests.address import is_installed, kind_said_by, names_in, parse_network, split_address


@pytest.mark.parametrize(
    ("text", "arch", "options"),
    [
        ("segnet", "segnet", {}),
        ("python:pkg.mod:factory", "python:pkg.mod:factory", {}),
        ("smp:Unet,pretrained=true, lr = 1e-3", "smp:Unet", {"pretrained": True, "lr": 1e-3}),
        ("smp:Unet,pretrained=weights/a=b.pth", "smp:Unet", {"pretrained": "weights/a=b.pth"}),
        ("a:b,c=[1, {d: 2}],e='x,y'", "a:b", {"c": [1, {"d": 2}], "e": "x,y"}),
        ("a:b,num_classes=null", "a:b", {"num_classes": None}),
    ],
)
def test_options_stand_behind_commas(text: str, arch: str, options: dict[str, Any]) -> None:
    spec = parse_network(text)
    assert (spec.arch, dict(spec.options)) == (arch, options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smp:Unet,pretrained", "must look like option=value, as in smp:Unet,pretrained=true"),
        ("smp:Unet,", "must look like option=value"),
        ("smp:Unet,=3", "must look like option=value"),
        ("smp:Unet,width=", "must look like option=value"),
        ("smp:Unet,a=1,a=2", "says a twice"),
        ("smp:Unet,task=seg", "said with --task"),
        ("smp:Unet,arch=segnet", "stands in front"),
        ("smp:Unet,a=[1", "no valid YAML"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_network(text)


@pytest.mark.parametrize(("text", "words"), [("smpp:Unet", "did you mean 'smp'"), ("smp:", "names no network")])
def test_an_address_has_a_library_and_a_name(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        split_address(text)


def test_a_library_s_module_may_know_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names_in("python") == []
    assert kind_said_by("python:strangers:Dictionary") is None
    monkeypatch.setattr("segdepth.networks.guests.python.names", lambda: ["a", "b"])
    monkeypatch.setattr("segdepth.networks.guests.python.kind_of", lambda name: name, raising=False)
    assert names_in("python") == ["a", "b"]
    assert kind_said_by("python:x:y") == "x:y"
    with pytest.raises(ConfigError, match="no library of networks named 'tim'"):
        names_in("tim")


def test_a_library_is_looked_for_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "find_spec", lambda module: None)
    assert is_installed("python")
    assert not is_installed("timm")
