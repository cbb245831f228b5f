"""Loading a plugin module and finding its processes. Runs in children only."""

import importlib
import importlib.util
import json
import os
import sys
import threading
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from weaver_like.authoring.declare import ATTRIBUTE, Declaration
from weaver_like.domain.process import Process


def load_module(target: dict[str, Any]) -> ModuleType:
    """Import the module of a python execution unit: {"module": dotted name} or {"path": file or package folder}."""
    if "module" in target:
        return importlib.import_module(target["module"])
    path = Path(target["path"])
    file = path / "__init__.py" if path.is_dir() else path
    name = f"weaver_like_plugin_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    # A plugin may import its neighbours. Last on the path: its calendar.py must not stand in for the standard one.
    sys.path.append(str(path.parent))
    search = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise ImportError(f"'{file.name}' is not a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def declarations(module: ModuleType) -> dict[str, Declaration]:
    """Every process of a module by id, in the order of definition. Raises: ValueError, if an id comes twice."""
    found: dict[str, Declaration] = {}
    for value in vars(module).values():
        declaration = getattr(value, ATTRIBUTE, None)
        if isinstance(declaration, Declaration) and found.get(declaration.process.id, declaration) is declaration:
            found[declaration.process.id] = declaration
        elif isinstance(declaration, Declaration):
            raise ValueError(f"Two processes have the id '{declaration.process.id}'.")
    return found


def describe(target: dict[str, Any]) -> list[Process]:
    """The processes of a plugin, each with a target that finds it again.

    Who offers them says which runner runs them.
    """
    return [
        replace(entry.process, unit=replace(entry.process.unit, target=target | {"name": name}))
        for name, entry in declarations(load_module(target)).items()
    ]


def _end_with(life: int) -> None:
    os.read(life, 1)
    os._exit(1)


def main() -> None:
    """`python -I -m weaver_like.authoring.load PATH FD LIFE` writes {"processes"} or {"error", "traceback"} to FD.

    LIFE: a pipe that ends with the server that asks; a plugin that hangs must not outlive it.
    """
    sys.dont_write_bytecode = True
    threading.Thread(target=_end_with, args=(int(sys.argv[3]),), daemon=True).start()
    try:
        answer: dict[str, Any] = {"processes": [asdict(process) for process in describe({"path": sys.argv[1]})]}
        if not answer["processes"]:
            answer = {"error": "The plugin declares no process: a function with @process is wanted.", "traceback": None}
    except BaseException as error:  # a plugin may do anything at import, SystemExit too
        answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    with open(int(sys.argv[2]), "w", encoding="utf-8") as answers:
        json.dump(answer, answers)


if __name__ == "__main__":
    main()
