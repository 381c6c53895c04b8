"""A second homework: a two-layer softmax classifier with cross-entropy, and three gradients."""
