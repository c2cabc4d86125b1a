"""Speed as ratios within one run: `make bench`. Numbers, not verdicts: machines differ.

`python -m tests.benchmarks landmarks fit` runs the named ones alone.
"""

from __future__ import annotations

import sys

import torch

from .circular import bench_circular
from .comparison import bench_comparison
from .landscape import bench_landscape
from .metrics import bench_metrics
from .signature import bench_signature
from .spectrum import bench_spectrum
from .topology import bench_extension, bench_fit, bench_landmarks
from .training import bench_training
from .training_step import bench_training_step

BENCHES = {
    "landmarks": bench_landmarks,
    "fit": bench_fit,
    "extension": bench_extension,
    "circular": bench_circular,
    "training": bench_training,
    "training_step": bench_training_step,
    "signature": bench_signature,
    "metrics": bench_metrics,
    "spectrum": bench_spectrum,
    "landscape": bench_landscape,
    "comparison": bench_comparison,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    print("ratio of times, ours / reference, one thread, median of pairs")
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
