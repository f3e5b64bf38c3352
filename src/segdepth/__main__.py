"""``python -m segdepth`` is the command ``segdepth``; torchrun starts it so."""

from segdepth.cli import run

run()
