"""IREE's C embedding API, as far as the lab pipeline drives the compiler with it.

The state is one per process and never given back: use it in a child that exits afterwards.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ireelab.pipeline import compiler_ffi

_POINTER = ctypes.c_void_p
_ON_FLAG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_STANDARD_PIPELINE = 0


def _function(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(compiler_ffi.load(), name)
    function.restype = result
    function.argtypes = arguments
    return function


def _capsule(pointer: int, kind: bytes) -> object:
    """A PyCapsule as MLIR's Python bindings exchange them; ``kind`` is its static name."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = (_POINTER, ctypes.c_char_p, _POINTER)
    return new(pointer, kind, None)


_CONTEXT = b"iree.compiler.ir.Context._CAPIPtr"
_MODULE = b"iree.compiler.ir.Module._CAPIPtr"


class Invocation:
    """One compilation of IREE's driver with flags as ``iree-compile`` takes them."""

    def __init__(self, argv: Sequence[str]) -> None:
        encoded = [argument.encode() for argument in argv]
        array = (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)
        _function("ireeCompilerGlobalInitialize", None)()
        # void ireeCompilerSetupGlobalCL(int, const char**, const char* banner, bool signals)
        setup = _function(
            "ireeCompilerSetupGlobalCL",
            None,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_char_p,
            ctypes.c_bool,
        )
        setup(len(encoded), array, b"ireelab\n", True)
        self._session = _function("ireeCompilerSessionCreate", _POINTER)()
        self._handle = _function("ireeCompilerInvocationCreate", _POINTER, _POINTER)(self._session)
        _function("ireeCompilerInvocationEnableConsoleDiagnostics", None, _POINTER)(self._handle)
        self._from = _function(
            "ireeCompilerInvocationSetCompileFromPhase", None, _POINTER, ctypes.c_char_p
        )
        self._to = _function(
            "ireeCompilerInvocationSetCompileToPhase", None, _POINTER, ctypes.c_char_p
        )
        self._pipeline = _function(
            "ireeCompilerInvocationPipeline", ctypes.c_bool, _POINTER, ctypes.c_int
        )
        self._passes = _function(
            "ireeCompilerInvocationRunPassPipeline", ctypes.c_bool, _POINTER, ctypes.c_char_p
        )

    def flags(self) -> dict[str, str]:
        """What each flag of the session is set to, defaults and optimisation levels included."""
        texts: list[str] = []

        def keep(text: int, size: int, _: object) -> None:
            texts.append(ctypes.string_at(text, size).decode())

        on_flag = _ON_FLAG(keep)
        get = _function(
            "ireeCompilerSessionGetFlags", None, _POINTER, ctypes.c_bool, _ON_FLAG, _POINTER
        )
        get(self._session, False, on_flag, None)
        pairs = (text.lstrip("-").partition("=") for text in texts)
        return {name: value for name, _, value in pairs}

    def context_capsule(self) -> object:
        """The session's MLIR context, for ``ir.Context._CAPICreate``; once."""
        steal = _function("ireeCompilerSessionStealContext", _POINTER, _POINTER)
        return _capsule(steal(self._session), _CONTEXT)

    def parse(self, path: str) -> object | None:
        """The module in a file, for ``ir.Module._CAPICreate``; None after a diagnostic."""
        source = _POINTER()
        opened = _function(
            "ireeCompilerSourceOpenFile",
            _POINTER,
            _POINTER,
            ctypes.c_char_p,
            ctypes.POINTER(_POINTER),
        )
        if error := opened(self._session, path.encode(), ctypes.byref(source)):
            raise OSError(self._message(error))
        parse = _function("ireeCompilerInvocationParseSource", ctypes.c_bool, _POINTER, _POINTER)
        if not parse(self._handle, source):
            return None
        steal = _function("ireeCompilerInvocationExportStealModule", _POINTER, _POINTER)
        module = steal(self._handle)
        borrow = _function(
            "ireeCompilerInvocationImportBorrowModule", ctypes.c_bool, _POINTER, _POINTER
        )
        borrow(self._handle, module)
        return _capsule(module, _MODULE)

    def run_phases(self, after: str, until: str) -> bool:
        """IREE's own passes after one of its phases, up to another."""
        self._from(self._handle, after.encode())
        self._to(self._handle, until.encode())
        return bool(self._pipeline(self._handle, _STANDARD_PIPELINE))

    def run_passes(self, text: str) -> bool:
        """A textual pass pipeline on the module; False after a diagnostic or a parse error."""
        return bool(self._passes(self._handle, text.encode()))

    def write_program(self, path: Path) -> None:
        """Serialise the module, which is in the VM dialect, as a ``.vmfb``."""
        output = _POINTER()
        opened = _function(
            "ireeCompilerOutputOpenFile", _POINTER, ctypes.c_char_p, ctypes.POINTER(_POINTER)
        )
        write = _function("ireeCompilerInvocationOutputVMBytecode", _POINTER, _POINTER, _POINTER)
        if error := opened(str(path).encode(), ctypes.byref(output)):
            raise OSError(self._message(error))
        if error := write(self._handle, output):
            raise OSError(self._message(error))
        _function("ireeCompilerOutputKeep", None, _POINTER)(output)
        _function("ireeCompilerOutputDestroy", None, _POINTER)(output)

    @staticmethod
    def _message(error: int) -> str:
        get = _function("ireeCompilerErrorGetMessage", ctypes.c_char_p, _POINTER)
        return bytes(get(error)).decode()
