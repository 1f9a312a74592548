"""The C entry point of IREE's compiler library; the only ctypes of the compile path.

Calling it in a forked child is, to the byte, running ``iree-compile`` with the same arguments,
without its start-up: the library is already mapped.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from ireelab.errors import CompileError


def library_path() -> Path:
    """Where the installed ``iree-base-compiler`` keeps its shared library.

    Raises:
        CompileError: it is not installed.
    """
    try:
        spec = importlib.util.find_spec("iree.compiler")
    except ModuleNotFoundError:  # not even the namespace package "iree"
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise CompileError(
            "the IREE compiler is not installed; run: pip install 'iree-base-compiler==3.13.*'"
        )
    name = "libIREECompiler.dylib" if sys.platform == "darwin" else "libIREECompiler.so"
    return Path(spec.submodule_search_locations[0]) / "_mlir_libs" / name


@functools.cache
def load() -> ctypes.CDLL:
    """Map the compiler library once per process."""
    return ctypes.CDLL(str(library_path()))


def run_main(argv: Sequence[str]) -> int:
    """``int ireeCompilerRunMain(int argc, char** argv)``: iree-compile's own main.

    It initialises LLVM's global command line, which may happen only once in a process: call it
    in a child that exits afterwards.
    """
    main = load().ireeCompilerRunMain
    main.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    main.restype = ctypes.c_int
    encoded = [argument.encode() for argument in argv]
    return int(main(len(encoded), (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)))
