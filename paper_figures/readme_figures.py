"""The pictures and the table that README shows: the demo's own, made anew by `make figures`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from topopert.cli.demo import DEMO_CASES, run_demo

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- made by `make figures`: start -->", "<!-- made by `make figures`: end -->"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        reports = run_demo(Path(folder) / "demo", n_seeds=10)
        for case in DEMO_CASES:
            for picture in (Path(folder) / "demo" / case.name).glob("*.png"):
                shutil.copy(picture, HERE / "readme" / f"{case.name}_{picture.name}")
    blocks = [f"{case.title}\n{reports[case.name]}" for case in DEMO_CASES]
    before, rest = README.read_text().split(START)
    _, after = rest.split(END)
    table = "\n\n".join(blocks)
    README.write_text(f"{before}{START}\n```text\n{table}\n```\n{END}{after}")


if __name__ == "__main__":
    main()
