"""What `topopert` saved and someone changed: name of the row, the change, the refusal."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .files import bomb, encrypted, npy, zipped

__all__ = ["BAD_ARCHIVES", "BAD_REPORTS", "DEEP", "Content", "arrays_of", "packed"]

Content = dict[str, bytes]  # the entries of an archive, or the files of a report
DEEP = b"[" * 200_000 + b"]" * 200_000


def contents(data: bytes) -> Content:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: Content) -> bytes:
    return zipped(*content.items(), method=zipfile.ZIP_STORED)


def arrays_of(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def edited(text: bytes, place: tuple[Any, ...], value: Any) -> bytes:
    """JSON with another value at a place; a function changes the value that was there."""
    tree = node = json.loads(text)
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value(node[place[-1]]) if callable(value) else value
    return json.dumps(tree).encode()


# A topology's or a Hamiltonian's archive -------------------------------------------------------


def header(*place: Any, to: Any) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        content = contents(data)
        content["header.json"] = edited(content["header.json"], place, to)
        return packed(content)

    return change


def text(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        content = contents(data)
        return packed({**content, "header.json": change(content["header.json"])})

    return changed


def array(name: str, change: Callable[[np.ndarray], Any]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        content = contents(data)
        former = np.load(io.BytesIO(content[f"{name}.npy"]), allow_pickle=False)
        return packed({**content, f"{name}.npy": npy(np.asarray(change(former)))})

    return changed


def spoilt(array: np.ndarray, value: float) -> np.ndarray:
    array = array.astype(float)
    array.flat[0] = value
    return array


CHANGED = "incomplete or was changed"
OBJECTS = np.array([{}], dtype=object)

# kind of object, change, message
BAD_ARCHIVES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "cut short": ("topology", lambda data: data[:-30], "damaged"),
    "text": ("topology", lambda data: b"x,y\n1,2\n", "damaged"),
    "nothing": ("topology", lambda data: b"", "damaged"),
    "under a password": ("topology", encrypted, "encrypted"),
    "another archive": (
        "topology",
        lambda data: zipped(("a.npy", npy(np.ones(3)))),
        "not written",
    ),
    "an entry twice": (
        "topology",
        lambda data: zipped(*contents(data).items(), ("edges.npy", npy(np.ones(3)))),
        "more than one entry",
    ),
    "gigabytes of zeros": (
        "topology",
        lambda data: bomb("header.json", b'{"format":"topopert","version":1}', 2**33),
        "67,108,864 that are read",
    ),
    "objects": ("topology", array("edges", lambda edges: OBJECTS), "Python objects"),
    "JSON nested deeply": ("topology", text(lambda json: DEEP), "nested too deeply"),
    "JSON cut short": ("topology", text(lambda json: json[:-9]), "damaged"),
    "JSON with NaN": ("topology", header("scale", to=float("nan")), "NaN is no JSON"),
    "JSON with half a character": ("topology", header("layout", to="\ud800"), "surrogates"),
    "JSON with an endless number": (
        "topology",
        text(lambda json: json.replace(b'"version": 1', b'"version": ' + b"9" * 5000)),
        "digits",
    ),
    "JSON that is a list": ("topology", text(lambda json: b"[1]"), "not written by topopert"),
    "JSON in Latin-1": ("topology", text(lambda json: b'{"\xfc": 1}'), "damaged"),
    "a later version": ("topology", header("version", to=99), "version 99"),
    "an unknown kind": ("topology", header("kind", to="os.system"), "'os.system'"),
    "a kind that is a list": ("topology", header("kind", to=[[]]), "does not know"),
    "a parameter of code": (
        "topology",
        header("parameters", "layout", to="__import__('os')"),
        "`layout` must be",
    ),
    "a parameter beyond its range": ("topology", header("parameters", "latent_dim", to=-1), "dim"),
    "a parameter too many": ("topology", header("parameters", "n", to=1), CHANGED),
    "a number that is text": ("topology", header("scale", to="1"), "`scale` must be"),
    "a number beyond doubles": ("topology", header("numbers", "_radius", to=10**400), CHANGED),
    "a part that is missing": ("topology", header("numbers", to={}), CHANGED),
    "an array of another shape": (
        "topology",
        array("_anchor_values", lambda values: values[1:]),
        "'_anchor_values' must be",
    ),
    "an array of text": (
        "topology",
        array("_mass", lambda mass: mass.astype("U")),
        "'_mass' must be of shape",
    ),
    "an array with NaN": (
        "topology",
        array("_landmark_points", lambda p: spoilt(p, np.nan)),
        "holds NaN",
    ),
    "an edge to nowhere": (
        "topology",
        array("edges", lambda edges: edges + 1000),
        "beyond the 12 there are",
    ),
    "a label of nobody": ("topology", array("labels", lambda labels: labels - 5), "beyond"),
    "a coupling of code": ("hamiltonian", header("coupling", "kind", to="exec"), CHANGED),
    "a coupling below 0": ("hamiltonian", header("coupling", "start", to=-1), "start"),
    "a coupling beyond doubles": ("hamiltonian", header("coupling", "start", to=10**400), CHANGED),
    "a potential of code": (
        "hamiltonian",
        header("potential", "kind", to="os.system"),
        "'os.system' is not known",
    ),
    "a sum of nothing": ("hamiltonian", header("potential", "terms", to=[]), "no terms"),
    "a sum within sums without end": (
        "hamiltonian",
        text(
            lambda json: json.replace(
                b'"terms": [',
                b'"terms": ['
                + b'{"kind": "SumPotential", "factors": [1], "terms": [' * 400
                + b"]}" * 400
                + b",",
            )
        ),
        "no terms|nested",
    ),
    "a dtype of code": (
        "hamiltonian",
        header("dtypes", to=lambda dtypes: dict.fromkeys(dtypes, "load")),
        "'load', which torch does not know",
    ),
    "a buffer of another shape": (
        "hamiltonian",
        array("potential.terms.1.coefficients", lambda c: c[:1]),
        CHANGED,
    ),
    "a buffer with infinity": (
        "hamiltonian",
        array("potential.terms.0.extension.weighted", lambda w: spoilt(w, np.inf)),
        "holds NaN or infinity",
    ),
}

# A report --------------------------------------------------------------------------------------


def record(*place: Any, to: Any) -> Callable[[Content], Content]:
    return lambda files: {**files, "report.json": edited(files["report.json"], place, to)}


def stored(name: str, change: Callable[[np.ndarray], Any]) -> Callable[[Content], Content]:
    """The array changed, the digest taken away that would notice it."""

    def changed(files: Content) -> Content:
        arrays = {k: np.asarray(v) for k, v in arrays_of(files["arrays.npz"]).items()}
        arrays[name] = np.asarray(change(arrays[name]))
        data = packed({f"{k}.npy": npy(v) for k, v in arrays.items()})
        text = edited(files["report.json"], ("arrays_sha256",), None)
        return {**files, "arrays.npz": data, "report.json": text}

    return changed


def renamed(name: str) -> Callable[[Content], Content]:
    """The perturbed arm under another name, everywhere."""

    def changed(files: Content) -> Content:
        tree = json.loads(files["report.json"])
        tree["arms"][name] = tree["arms"]["perturbed"]
        return {**files, "report.json": json.dumps(tree).encode()}

    return changed


def file(name: str, data: bytes) -> Callable[[Content], Content]:
    return lambda files: {**files, name: data}


BAD_REPORTS: dict[str, tuple[Callable[[Content], Content], str]] = {
    "no files": (lambda files: {}, "No such file"),
    "no arrays": (lambda files: {"report.json": files["report.json"]}, "No such file"),
    "arrays cut short": (lambda f: {**f, "arrays.npz": f["arrays.npz"][:-30]}, "cannot be read"),
    "arrays that are a pickle": (file("arrays.npz", b"\x80\x04N."), "not a zip file"),
    "one array": (file("arrays.npz", npy(np.ones(3))), "not a zip file"),
    "arrays of objects": (file("arrays.npz", zipped(("a.npy", npy(OBJECTS)))), "Python objects"),
    "arrays under a password": (
        lambda f: {**f, "arrays.npz": encrypted(f["arrays.npz"])},
        "encrypted",
    ),
    "gigabytes of zeros": (
        file("arrays.npz", bomb("a.npy", npy(np.zeros(0), shape=(2**30, 1)), 2**33)),
        "would inflate to 8,589,934,720",
    ),
    "arrays of another report": (record("arrays_sha256", to="0" * 64), "are not of one report"),
    "JSON nested deeply": (file("report.json", DEEP), "nested too deeply"),
    "JSON with infinity": (file("report.json", b'{"a": -Infinity}'), "-Infinity is no JSON"),
    "JSON that is text": (file("report.json", b"report"), "No report can be read"),
    "JSON that is a list": (file("report.json", b"[]"), "not a report"),
    "another version": (record("version", to=2), "holds version 2"),
    "no baseline": (record("arms", to={}), "'baseline' is missing"),
    "an arm that is a path": (renamed("../../evil"), "no usable name"),
    "an arm that is markup": (renamed("<script>"), "no usable name"),
    "an arm without arrays": (renamed("shuffled"), "shuffled"),
    "arms that are a number": (record("arms", to=3), "changed"),
    "a seed that is not there": (record("arms", "baseline", "diverged", to=[7]), "no seeds"),
    "seconds that are text": (record("arms", "baseline", "seconds", to="1"), "`seconds` must be"),
    "an estimate of text": (
        record("metrics", "baseline", "cka", "value", to="<b>"),
        "`value` must be",
    ),
    "an estimate too many": (record("metrics", "baseline", "evil", to={}), "changed"),
    "an outcome of its own": (
        record("verdicts", "perturbed", "outcome", to="<script>"),
        "`outcome` must be one of",
    ),
    "a reason that is none": (record("verdicts", "perturbed", "reason", to=[]), "must be text"),
    "a verdict that is missing": (record("verdicts", to={}), "'perturbed' is missing"),
    "settings that are missing": (record("settings", to=None), "settings"),
    "a feature without numbers": (record("features", to=[{"birth": 1}]), "changed"),
    "latents of another shape": (
        stored("arms/perturbed/latents", lambda z: z[:, 1:]),
        "'arms/perturbed/latents' must be",
    ),
    "latents of text": (stored("arms/baseline/latents", lambda z: z.astype("U")), "kind 'f'"),
    "complex latents": (stored("arms/baseline/latents", lambda z: z + 1j), "complex128"),
    "no latents": (stored("arms/baseline/latents", lambda z: z[:0]), "not \\(K, N, d\\)"),
    "rows beyond the data": (stored("test_rows", lambda rows: rows + 10**6), "not among"),
    "a diagram of one column": (
        stored("diagrams/0/pairs", lambda p: p[:, :1]),
        "diagrams/0/pairs",
    ),
}


def unpack(files: Content, folder: Path) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
