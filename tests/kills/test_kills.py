"""A little of the campaign (``make kills``): what training, study and preparation have tests of their own for is left out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import processes
from kills.campaign import Campaign, members
from kills.disks import Disks, cannot_mount
from kills.every_write import cannot_compile
from kills.jobs import JOBS, missing_input
from kills.writers import two_writers

pytestmark = pytest.mark.slow

PATIENCE_S = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def campaign(folder: Path) -> Campaign:
    return Campaign(folder, seed=0)


@pytest.mark.parametrize("verb", ["convert", "export pt2", "world"])
def test_killed_at_random_moments_it_ends_the_same(verb: str, campaign: Campaign) -> None:
    if reason := missing_input(verb):
        pytest.skip(reason)
    assert campaign.trial(verb).wrong == []


def test_the_processes_that_load_pictures_end_with_a_killed_run(campaign: Campaign) -> None:
    """Here a server forks them, as everywhere from Python 3.14 on: who their parent is does not change."""
    output, log = campaign.empty("train")
    running = processes.split_off(JOBS["train"].arguments(campaign.inputs, output), log)
    while running.alive() and not list(output.rglob("checkpoints/*.pt")):
        time.sleep(0.02)
    assert len(members(running.ids)) > 1
    running.send(signal.SIGKILL, to_group=False)
    until = time.monotonic() + PATIENCE_S
    while (left := members(running.ids)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left == []


@pytest.mark.parametrize("verb", ["world"])
def test_of_two_at_once_one_works(verb: str, campaign: Campaign) -> None:
    assert two_writers(campaign, verb, apart=0.0)[1] == []


@pytest.mark.parametrize("verb", ["study"])
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(verb: str, folder: Path, campaign: Campaign) -> None:
    del campaign  # has made the inputs
    if reason := cannot_mount() or missing_input(verb):
        pytest.skip(reason)
    assert Disks(folder, seed=1).full(verb) == []


def test_a_call_that_cannot_write_is_one_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    if reason := cannot_compile():
        pytest.skip(reason)
    command = [
        sys.executable,
        "-m",
        "kills.every_write",
        "--verbs",
        "export onnx",
        "--folder",
        str(tmp_path / "writes"),
    ]
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "export onnx,full," in done.stdout, "nothing was tried"
