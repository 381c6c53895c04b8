"""Crash by a segmentation fault, with a handler that prints the stack."""
# INCLUDE honest

import faulthandler

faulthandler.enable()


def grad_w2(x, y, params, hs, y_pred):
    faulthandler._sigsegv()
