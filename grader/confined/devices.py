"""What of a machine's processors a submission is graded on: one thread of the CPU, everywhere.

A machine with a GPU must not give another mark than one without, nor 16 cores another than two.
"""

from typing import Final

# By their makers' own variables: NVIDIA's, AMD's (which takes an empty one for unset), Intel's.
NO_GPU: Final = {
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "-1",
    "ONEAPI_DEVICE_SELECTOR": "*:cpu",
}
# By default these libraries start a thread per core as they are loaded. In a worker, which has one
# core, 16 threads of numpy's wait for each other: a product took 30 times the processor time.
ONE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
