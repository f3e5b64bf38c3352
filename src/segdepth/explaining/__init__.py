"""Explanations of a picture's pixels: computed, coloured, saved."""
