"""An RNN cell unrolled over time, and three gradients through time; nothing is trained."""
