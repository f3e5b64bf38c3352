"""Experiments made of runs, scores and maps."""
