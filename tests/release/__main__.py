"""What a user would install, tried: `make test-release`.

An sdist is built of the checkout and a wheel of that sdist. The wheel goes into an empty
environment with the lowest version of every dependency that pyproject.toml allows, as
constraints-lowest.txt pins them. There the sdist's fast tests run, with the package's sources
taken away, so that they import the wheel.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import venv
from pathlib import Path

from .building import build_sdist, build_wheel, run
from .pins import LOWEST

# Nothing here stands for the wheel's import: a copy of the checkout on the path would pass, too.
CHECK = """
import sys, topopert
from tests.release.pins import LOWEST, unpinned
if not topopert.__file__.startswith(sys.prefix):
    sys.exit(f"not the wheel: {topopert.__file__}")
if found := unpinned(LOWEST):
    sys.exit(f"not the lowest versions: {', '.join(found)}")
print(f"the wheel of topopert {topopert.__version__}, with the lowest versions")
"""


def main() -> None:
    """Build, install and test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = build_sdist(folder / "sdist")
        wheel = build_wheel(source, folder / "wheel")
        shutil.rmtree(source / "topopert")
        venv.create(folder / "lowest", with_pip=True)
        python = folder / "lowest" / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--constraint", LOWEST]
        run([*install, f"{wheel}[html,plot,test]"], cwd=source)
        run([python, "-c", CHECK], cwd=source)
        # What test_environment.py describes is `.venv`.
        left_out = "--ignore=tests/release/test_environment.py"
        run([python, "-m", "pytest", "-m", "not slow", "-q", left_out, *sys.argv[1:]], cwd=source)


if __name__ == "__main__":
    main()
