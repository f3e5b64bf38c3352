"""Train, evaluate and explain CNNs for semantic segmentation and monocular depth."""
