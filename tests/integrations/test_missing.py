"""Where an extra is missing, the error names it."""

from __future__ import annotations

import importlib.util
import sys

import pytest

import topopert as tp


class Without:
    """A finder that has the packages missing, installed or not."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, fullname: str, path=None, target=None) -> None:
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(name=fullname.partition(".")[0])


def test_a_missing_extra_is_named(monkeypatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "lightning"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "topopert.integrations.lightning", raising=False)
    monkeypatch.delitem(vars(tp.integrations), "lightning", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Without("lightning"), *sys.meta_path])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(tp.MissingDependencyError, match=r"topopert\[lightning\]"):
        tp.integrations.lightning.TopologicalPerturbation  # noqa: B018


def test_an_integration_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="keras"):
        tp.integrations.keras  # noqa: B018


def test_scvi_tools_missing_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "scvi", None)
    missing = pytest.raises(tp.MissingDependencyError, match=r"topopert\[scvi\]")
    with missing, tp.integrations.scvi.perturb(None):
        pytest.fail("the block was entered")
