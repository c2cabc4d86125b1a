"""Nothing executes from data: no way to run code in the package, and no file that finds one."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.readers import read_table

from .files import header_of, npy, zipped

PACKAGE = Path(tp.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_MODULES = {
    "cloudpickle",
    "code",
    "ctypes",
    "dill",
    "marshal",
    "pickle",
    "shelve",
    "subprocess",
    "yaml",
}
FORBIDDEN_CALLS = {"__import__", "compile", "eval", "exec"}
FORBIDDEN_METHODS = {"extractall", "extract", "popen", "read_pickle", "system", "unpack_archive"}


def complaints(tree: ast.AST) -> list[str]:
    """What in the syntax tree could run code that comes from data."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                roots = {alias.name.partition(".")[0] for alias in names}
                found += [f"import {root}" for root in roots & FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module), level=0):
                if module.partition(".")[0] in FORBIDDEN_MODULES:
                    found.append(f"from {module}")
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(name)
            case ast.Call(func=ast.Attribute(value=owner, attr=name), keywords=keywords):
                given = {word.arg: ast.unparse(word.value) for word in keywords}
                of = ast.unparse(owner)
                if name in FORBIDDEN_METHODS:
                    found.append(f"{of}.{name}")
                if name in ("load", "read_array", "save", "savez", "savez_compressed"):
                    if of in ("np", "npy", "numpy") and given.get("allow_pickle") != "False":
                        found.append(f"{of}.{name} without allow_pickle=False")
                    if of == "torch" and given.get("weights_only") != "True":
                        found.append("torch.load without weights_only=True")
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_can_run_code_from_data(module: Path) -> None:
    assert complaints(ast.parse(module.read_text())) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from yaml import load",
        "import ctypes.util",
        "eval(text)",
        "exec(text)",
        "__import__(name)",
        "os.system(name)",
        "archive.extractall(folder)",
        "np.load(path)",
        "npy.read_array(file, allow_pickle=True)",
        "torch.load(path)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert complaints(ast.parse(code))


# Files with a payload ---------------------------------------------------------------------------


class Payload:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(tmp_path) -> Path:
    """The file that a payload makes; a pickle, which must run it, shows that it could."""
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Payload(trace)))
    trace.unlink()
    return trace


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    points = np.random.default_rng(0).normal(size=(30, 3))
    quick(points, directory=folder)
    return folder


def objects(trace: Path) -> bytes:
    array = np.empty((3, 2), dtype=object)
    array[:] = Payload(trace)
    return npy(array)


def payload(trace: Path) -> bytes:
    return pickle.dumps(Payload(trace))


def code(trace: Path) -> str:
    return f"__import__('pathlib').Path({str(trace)!r}).touch()"


def parquet_with(trace: Path, path: Path) -> None:
    """Pandas' metadata with code in it, and an extension type that is a pickle."""
    pandas = json.dumps({"columns": [{"name": code(trace)}], "index_columns": [code(trace)]})
    extension = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": payload(trace),
    }
    field = pa.field("x", pa.float64(), metadata=extension)
    schema = pa.schema([field], metadata={b"pandas": pandas.encode()})
    pa.parquet.write_table(pa.table([pa.array([1.0, 2.0])], schema=schema), path)


FILES = {
    "npy of objects": (".npy", objects),
    "pickle as npy": (".npy", payload),
    "npy whose header is code": (".npy", lambda trace: header_of(code(trace) + "\n")),
    "npy whose dtype is code": (
        ".npy",
        lambda trace: header_of(
            repr({"descr": code(trace), "fortran_order": False, "shape": (3, 2)}) + "\n"
        ),
    ),
    "npz of objects": (".npz", lambda trace: zipped(("a.npy", objects(trace)))),
    "npz of a pickle": (".npz", lambda trace: zipped(("a.npy", payload(trace)))),
    "pickle as npz": (".npz", payload),
    "npz with a path": (".npz", lambda trace: zipped((f"{trace}.npy", npy(np.ones((3, 2)))))),
    "csv with a formula": (
        ".csv",
        lambda trace: f"x,=cmd|' /C touch {trace}'!A0\n1,@SUM({code(trace)})\n".encode(),
    ),
    "csv with code": (".csv", lambda trace: f"x,y\n1,{code(trace)}\n".encode()),
    "tsv with code": (".tsv", lambda trace: f"x\ty\n1\t{code(trace)}\n".encode()),
    "csv of a pickle": (".csv", payload),
    "pickle as parquet": (".parquet", payload),
}


@pytest.mark.parametrize("name", FILES)
def test_no_file_runs_code(trace, tmp_path, name: str) -> None:
    suffix, content = FILES[name]
    path = tmp_path / f"data{suffix}"
    path.write_bytes(content(trace))
    for options in ({}, {"labels": ["y"]}, {"array": "a"}):
        with suppress(tp.InvalidInputError):
            read_table(path, **options)
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.filterwarnings("ignore:pickle-based deserialization")  # pyarrow names what it refuses
def test_no_parquet_file_runs_code(trace, tmp_path) -> None:
    parquet_with(trace, tmp_path / "data.parquet")
    with suppress(tp.InvalidInputError):
        read_table(tmp_path / "data.parquet")
    assert not trace.exists()


def with_entries(path: Path, **entries: bytes) -> bytes:
    """The archive at the path, some of its entries replaced."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    names = {f"{name}.npy": data for name, data in entries.items() if name != "header"}
    if "header" in entries:
        names["header.json"] = entries["header"]
    return zipped(*{**content, **names}.items())


def test_no_archive_of_ours_runs_code(trace, tmp_path) -> None:
    path = tmp_path / "saved.npz"
    tp.save(tp.Hamiltonian(tp.PolynomialPotential([[2]], [1.0])), path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.json"))
    changed = [
        payload(trace),
        with_entries(path, **{"potential.coefficients": objects(trace)}),
        with_entries(path, **{"potential.coefficients": payload(trace)}),
        with_entries(path, header=payload(trace)),
        *(
            with_entries(path, header=json.dumps({**header, key: value}).encode())
            for key, value in (
                ("kind", code(trace)),
                ("coupling", {"kind": "eval", "value": code(trace)}),
                ("potential", {"kind": code(trace)}),
                ("dtypes", dict.fromkeys(header["dtypes"], "load")),
            )
        ),
    ]
    for data in changed:
        path.write_bytes(data)
        with pytest.raises(tp.InvalidInputError):
            tp.load(path)
    assert whole not in changed
    assert not trace.exists()


@pytest.mark.parametrize("name", ["report.json", "arrays.npz"])
@pytest.mark.parametrize("content", [payload, objects, lambda trace: code(trace).encode()])
def test_no_report_runs_code(trace, tmp_path, run, name, content) -> None:
    for file in ("report.json", "arrays.npz"):
        shutil.copy(run / file, tmp_path)
    (tmp_path / name).write_bytes(content(trace))
    with pytest.raises(tp.InvalidInputError):
        tp.ComparisonReport.load(tmp_path)
    with_objects = with_entries(run / "arrays.npz", **{"arms/baseline/latents": objects(trace)})
    shutil.copy(run / "report.json", tmp_path)
    (tmp_path / "arrays.npz").write_bytes(with_objects)
    with pytest.raises(tp.InvalidInputError, match="Python objects"):
        tp.ComparisonReport.load(tmp_path)
    assert not trace.exists()


def test_no_run_folder_runs_code(trace, tmp_path, run) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    points = np.random.default_rng(0).normal(size=(30, 3))
    arguments = (folder / "arguments.json").read_bytes()
    for content in (payload(trace), code(trace).encode()):
        (folder / "arguments.json").write_bytes(content)
        with pytest.raises(tp.InvalidInputError):
            quick(points, directory=folder)
    (folder / "arguments.json").write_bytes(arguments)
    chunks = sorted((folder / "runs").iterdir())
    chunks[0].write_bytes(payload(trace))
    chunks[1].write_bytes(with_entries(chunks[1], latents=objects(trace)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        quick(points, directory=folder)
    assert sum("is damaged" in str(warning.message) for warning in warned) == 2
    assert not trace.exists()
