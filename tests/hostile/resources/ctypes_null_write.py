"""Write to address 0."""
# INCLUDE honest

import ctypes


class Net(Net):
    def forward(self, x):
        ctypes.memset(0, 1, 8)
        return super().forward(x)
