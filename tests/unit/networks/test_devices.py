"""The device that a user names."""

import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.networks import device_of, usable_device


def test_a_device_that_is_there() -> None:
    assert usable_device("cpu") == device_of("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "said"),
    [("gpu", "no device"), ("meta", "without numbers"), ("cuda:77", "cannot be used here"), ("", "no device")],
)
def test_one_that_cannot_be_used_is_one_sentence(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        usable_device(name)
