"""The processors on which a submission is graded: one thread of the CPU, on every machine.

A GPU or more cores must not change the mark.
"""

from typing import Final

# Each maker's own variable: NVIDIA's, AMD's (which treats an empty one as unset), Intel's.
NO_GPU: Final = {
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "-1",
    "ONEAPI_DEVICE_SELECTOR": "*:cpu",
}
# By default these libraries start one thread per core when loaded. In a worker, which has one core,
# 16 threads of numpy's wait for each other: a product took 30 times the processor time.
ONE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
