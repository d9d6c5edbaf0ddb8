"""Rules over source text: each takes files and returns the violations it found.

They read, and import nothing of the package, so that a planted file can be judged.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "skexpand"

# From the ground up; a module may import from its own layer and from those below.
LAYERS = [
    {"_random", "_compat", "_device", "grouping"},
    {"nn"},
    {"codecs", "datasets"},
    {
        "_base",
        "bandwidth",
        "judge",
        "levels",
        "training",
        "pretraining",
        "image_length",
        "strength",
        "image_judge",
        "expansion",
        "feature_learning",
        "material",
        "pretrained",
        "recognition",
        "artifacts",
    },
    {
        "_encoder",
        "pretrainable",
        "assembly",
        "latents",
        "_synthesizer",
        "baselines",
        "streaming",
    },
    {"evaluation"},
    {"_demo"},
    {"_cli"},
    {"__main__"},
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "core"}
GLOBAL_SEEDS = {"np.random.seed", "numpy.random.seed", "torch.manual_seed"}


def tracked_files(root=ROOT):
    """Return the files git knows or would add; every file where there is no git."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        return sorted(path for path in root.rglob("*") if path.is_file())
    files = {root / line for line in listing.stdout.splitlines()}
    return sorted(path for path in files if path.is_file())


def package_modules(root=ROOT):
    """Return the source files of the package."""
    return sorted((root / PACKAGE).rglob("*.py"))


def imported_names(path, root=ROOT):
    """Return every absolute dotted name a file imports, lazily or not.

    ``from a import b`` gives ``a.b``: the name may be a module.
    """
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(root).parent.parts
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, *([base] if base else [])])
            names += [f"{base}.{alias.name}" for alias in node.names]
    return names


def upward_imports(path, root=ROOT):
    """Return imports of a layer above the file's own, and files without a layer."""
    here = path.relative_to(root / PACKAGE).with_suffix("").parts[0]
    if here == "__init__":  # hands out names of every layer, lazily
        return []
    if here not in HEIGHT:
        return [f"{PACKAGE}.{here} has no layer: give it one in LAYERS"]
    violations = []
    for name in imported_names(path, root):
        head, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        # A name that is no module (__version__) comes from the package itself.
        if head == PACKAGE and HEIGHT.get(target, -1) > HEIGHT[here]:
            violations.append(f"{here} imports {name} from above")
    return violations


def foreign_imports_of_nn(path, root=ROOT):
    """Return what a file of ``nn`` imports beside torch, the standard library, nn."""
    violations = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        # POT solves exact transport; it is asked for only when it is called.
        is_lazy_pot = path.stem == "transport" and node.col_offset > 0
        allowed = {"torch", *sys.stdlib_module_names} | (
            {"ot"} if is_lazy_pot else set()
        )
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif node.level:
            names = [] if node.level <= len(path.relative_to(root).parts) - 2 else ["."]
        else:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            is_own = f"{name}.".startswith(f"{PACKAGE}.nn.")
            if name.partition(".")[0] not in allowed and not is_own:
                violations.append(f"line {node.lineno} imports {name}")
    return violations


def long_files(path):
    """Return a violation where a file exceeds the limit of lines."""
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    return [f"{n_lines} lines"] if n_lines > MAX_FILE_LINES else []


def long_functions(path):
    """Return functions that exceed the limit; docstrings are not counted."""
    violations = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        n_lines = node.end_lineno - node.lineno + 1
        if ast.get_docstring(node) is not None:
            n_lines -= node.body[0].end_lineno - node.body[0].lineno + 1
        if n_lines > MAX_FUNCTION_LINES:
            violations.append(f"{node.name} has {n_lines} lines")
    return violations


def vague_names(path, root=ROOT):
    """Return names of the path that say nothing about what is inside."""
    parts = path.relative_to(root).with_suffix("").parts
    return [part for part in parts if part.strip("_") in FORBIDDEN_NAMES]


def prints(path, root=ROOT):
    """Return calls of ``print`` outside of the command line."""
    if path.relative_to(root / PACKAGE).parts[0] in ("_cli.py", "__main__.py"):
        return []
    return [f"line {call.lineno}" for call in _calls(path) if _name(call) == "print"]


def global_seeds(path):
    """Return calls that seed a global random generator."""
    return [
        f"line {call.lineno}: {_name(call)}"
        for call in _calls(path)
        if _name(call) in GLOBAL_SEEDS
    ]


def _calls(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call):
    return ast.unparse(call.func)


# Spelled in pieces, so that this file passes its own rules.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
WORKPLACE = re.compile(
    r"(?<![\w.])/wo" + r"rk\b"  # an absolute path; a relative one is fine
    r"|/op" + r"t/wheels|/ro" + r"ot/|/tm" + r"p/"
    r"|(?<!\.\./)\bsha" + r"red/(data|paper|hooks)"
    r"|\b(MET" + r"HOD|HOU" + r"SE|A" + r"PI|ANC" + r"HORS)\.md\b"
    r"|\bissues sh" + r"ow\b"
)


def matching_lines(path, pattern):
    """Return the lines of a text file that match; binary files have none."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [
        f"line {number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
