"""One case in this process; the measurement is printed as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from .measure import run_case

if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(asdict(run_case(sys.argv[1], Path(sys.argv[2])))))
