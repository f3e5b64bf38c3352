"""The explorer: point at a pixel, and see what each network drew on for its answer there."""
