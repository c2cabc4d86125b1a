from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from topopert.cli import main


class Command:
    """Runs `topopert` in this process."""

    def __init__(self, monkeypatch, capsys) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["topopert", *map(str, words)])
        former = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            for kind, handler in former.items():
                signal.signal(kind, handler)
        out, err = self.capsys.readouterr()
        return int(stop.value.code or 0), out, err

    def refused(self, message: str, *words: str | Path) -> None:
        """Exit code 2 and one line that says what was wrong."""
        code, out, err = self(*words)
        assert code == 2
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith("topopert: ")
        assert line.isprintable()
        assert re.search(message, line)


@pytest.fixture
def topopert(monkeypatch, capsys) -> Command:
    return Command(monkeypatch, capsys)
