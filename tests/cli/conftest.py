from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import pytest

from topopert.cli import main


@pytest.fixture
def topopert(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs the command: exit code, standard output, standard error."""
    former = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["topopert", *map(str, args)])
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            for kind, handler in former.items():
                signal.signal(kind, handler)
        captured = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, captured.out, captured.err

    return run
