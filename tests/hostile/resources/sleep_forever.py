"""Block every signal and sleep."""
# INCLUDE honest

import signal
import time


class Net(Net):
    def forward(self, x):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            time.sleep(1000)
