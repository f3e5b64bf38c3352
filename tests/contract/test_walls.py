"""One way in, one way out: files are read and written through the few modules that say what is wrong in a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/segdepth"

#: What reads files, or texts of theirs -> the modules that may call it.
WALLS = {
    "read_text": {"core/provenance.py", "data/splits/__init__.py"},  # the system's, and what is installed with us
    "read_bytes": {"explorer/front.py"},  # likewise; a bare read_bytes(...) is the wall itself
    "open": {
        "core/reading.py",
        "core/arrays.py",
        "core/files.py",
        "core/locks.py",
        "core/parquet.py",
        "core/unfinished.py",
        "networks/torch_files.py",
        "saliency/memory.py",
    },
    "json.load": set(),
    "json.loads": {"core/reading.py"},
    "yaml.load": {"core/yaml_text.py"},
    "yaml.safe_load": set(),
    "csv.reader": {"core/reading.py"},
    "csv.DictReader": set(),
    "np.load": {"core/arrays.py"},
    "np.fromfile": set(),
    "np.loadtxt": set(),
    "np.genfromtxt": set(),
    "np.memmap": set(),
    "Image.open": {"core/pictures.py"},
    "cv2.imread": set(),
    "cv2.imdecode": {"core/pictures.py"},
    "pq.read_table": set(),
    "pq.ParquetFile": {"core/parquet.py"},
    "torch.load": {"networks/torch_files.py"},
    "torch.jit.load": set(),
    "safe_open": {"core/weights.py"},
    "load_file": set(),
    "zipfile.ZipFile": {"core/arrays.py", "networks/torch_files.py"},
    "pickle.load": set(),
    "pickle.loads": {"executing/serving.py"},  # no file: what a command sends to the workers that it starts
    "eval": set(),
    "exec": set(),
}

#: What writes files -> the modules that may call it, and those that do so inside `replacing` or `naming`.
OUT = {
    "write_text": {"explaining/many_pixels.py"},
    "write_bytes": {"core/files.py", "networks/export.py", "data/prepare_kitti.py"},
    "np.save": {"core/arrays.py", "data/prepare_kitti.py"},
    "np.savez": {"core/arrays.py"},
    "cv2.imwrite": set(),
    "torch.save": {"training/checkpoints.py"},
    "save_file": set(),
    "pq.write_table": {"core/parquet.py"},
    "json.dump": set(),
    "pickle.dump": set(),
}

#: JSON that is no file's: answers of our own server, and values that are made plain.
NO_FILES = {"explorer/container.py", "explorer/static_page.py", "studies/store.py", "data/prepare_kitti.py"}

MODULES = sorted(SOURCE.rglob("*.py"))


def calls(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Dotted names that are called, with their lines; and whether it is for reading, as far as `open` goes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            mode = next(
                (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)), "r"
            )
            yield ast.unparse(node.func), node.lineno, not set(mode) & set("wax+")


def named(name: str, called: str) -> bool:
    """Whether a call is of that name: dotted ones as they are, `read_text` and the like as methods."""
    if name in ("read_text", "read_bytes", "write_text", "write_bytes", "open"):
        return called.endswith(f".{name}") and not called.startswith(("source.", "self.", "heapq.", "Image."))
    return called == name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_are_read_and_written_in_few_places(module: Path) -> None:
    own = str(module.relative_to(SOURCE))
    for called, line, reading in calls(ast.parse(module.read_text())):
        for name, allowed in (WALLS | OUT).items():
            if not named(name, called) or own in allowed or (name == "json.loads" and own in NO_FILES):
                continue
            written = name == "open" and not reading
            assert written, f"{own}:{line} calls {called}: only {sorted(allowed) or 'nobody'} may"


def test_who_may_does() -> None:
    """What is allowed is needed."""
    found = {
        (name, str(module.relative_to(SOURCE)))
        for module in MODULES
        for called, _, _ in calls(ast.parse(module.read_text()))
        for name in WALLS | OUT
        if named(name, called) or (name == "open" and called == "open")
    }
    assert {(name, module) for name, allowed in (WALLS | OUT).items() for module in allowed} <= found
