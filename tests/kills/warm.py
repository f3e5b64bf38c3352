"""Imports all that the jobs import, for a process from which they are forked: it computes nothing, and has one thread."""

import onnxruntime  # noqa: F401
import onnxscript  # noqa: F401
import torch.onnx
import torch.utils.tensorboard  # noqa: F401

import segdepth.campaigns.demo.run
import segdepth.cli.demo
import segdepth.cli.worlds
import segdepth.data.prepare_kitti
import segdepth.data.synthetic
import segdepth.networks.export
import segdepth.studies
import segdepth.tasks
import segdepth.training  # noqa: F401
