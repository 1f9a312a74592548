"""The executable library interface: structs that IREE's compiled executables expose.

Mirrors ``runtime/src/iree/hal/local/executable_library.h``, version 0.6.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_int, c_uint8, c_uint16, c_uint32, c_uint64
from ctypes import c_void_p as void_p
from dataclasses import dataclass
from typing import Any

from ireelab.errors import ExecutableMismatch
from ireelab.hal.executable import ExecutableFunction

QUERY_SYMBOL = "iree_hal_executable_library_query"
LIBRARY_VERSION = 6
LOCAL_MEMORY_PAGE_BYTES = 4096
_MAX_EXPORTS = 1 << 16


class _Environment(Structure):
    _fields_ = (
        ("constants", void_p),
        ("import_thunk", void_p),
        ("import_funcs", void_p),
        ("import_contexts", void_p),
        ("processor", c_uint64 * 8),
    )


class _Header(Structure):
    _fields_ = (
        ("version", c_uint32),
        ("name", c_char_p),
        ("features", c_uint32),
        ("sanitizer", c_int),
    )


class _Attributes(Structure):
    _fields_ = (
        ("flags", c_uint64),
        ("local_memory_pages", c_uint16),
        ("constant_count", c_uint8),
        ("binding_count", c_uint8),
        ("workgroup_size_x", c_uint32),
        ("workgroup_size_y", c_uint32),
        ("workgroup_size_z", c_uint16),
        ("parameter_count", c_uint16),
        ("reserved", c_uint64 * 5),
    )


class _SourceLocation(Structure):
    _fields_ = (("line", c_uint32), ("path_length", c_uint32), ("path", c_char_p))


class _StageLocations(Structure):
    _fields_ = (
        ("count", c_uint32),
        ("names", POINTER(c_char_p)),
        ("locations", POINTER(_SourceLocation)),
    )


class _Imports(Structure):
    _fields_ = (("count", c_uint32), ("symbols", POINTER(c_char_p)))


class _Exports(Structure):
    _fields_ = (
        ("count", c_uint32),
        ("ptrs", POINTER(void_p)),
        ("attrs", POINTER(_Attributes)),
        ("params", void_p),
        ("occupancy", void_p),
        ("names", POINTER(c_char_p)),
        ("tags", POINTER(c_char_p)),
        ("parameter_names", void_p),
        ("source_locations", POINTER(_SourceLocation)),
        ("stage_locations", POINTER(_StageLocations)),
    )


class _Library(Structure):
    _fields_ = (
        ("header", POINTER(_Header)),
        ("imports", _Imports),
        ("exports", _Exports),
        ("constant_count", c_uint32),  # a table of embedded sources follows; not read here
    )


assert ctypes.sizeof(_Attributes) == 64

# int call_import(int (*fn)(void*, void*, void*), void* params, void* context, void* reserved)
_IMPORT = ctypes.CFUNCTYPE(c_int, void_p, void_p, void_p)
_THUNK = ctypes.CFUNCTYPE(c_int, _IMPORT, void_p, void_p, void_p)
# const header_t** query(uint32_t max_version, const environment_t* environment)
_QUERY = ctypes.CFUNCTYPE(void_p, c_uint32, void_p)


def _call_import(function: Any, params: int, context: int, reserved: int) -> int:
    return function(params, context, reserved)


_thunk = _THUNK(_call_import)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One entry point: its address, and the flat reflection that dispatches need."""

    address: int
    function: ExecutableFunction


class Library:
    """A queried library. Owns the environment that its kernels get; keeps the code loaded."""

    def __init__(self, query_address: int, code: object, constants: bytes, processor: int) -> None:
        """Query and read the library; ExecutableMismatch for what cannot run here.

        ``code`` is whatever owns the machine code; ``constants`` are the u32 values of the
        executable's constants.
        """
        self._code = code
        self._constants = ctypes.create_string_buffer(constants, max(len(constants), 4))
        environment = _Environment()
        environment.constants = ctypes.addressof(self._constants)
        environment.import_thunk = ctypes.cast(_thunk, void_p)
        environment.processor[0] = processor
        self._environment = environment
        self.environment_address = ctypes.addressof(environment)
        try:
            library = _query(query_address, self.environment_address)
            self.name = _text(library.header.contents.name) or "executable"
            self._check_constants(library.constant_count, len(constants))
            self._bind_imports(library.imports)
            self.kernels = tuple(_kernel(library.exports, i) for i in range(library.exports.count))
        except ValueError as error:  # ctypes met a null pointer
            raise ExecutableMismatch(f"the executable's tables are corrupt: {error}") from error

    def _check_constants(self, declared: int, given_bytes: int) -> None:
        if declared * 4 != given_bytes:
            raise ExecutableMismatch(
                f"executable {self.name!r} declares {declared} constants, {given_bytes // 4} given"
            )

    def _bind_imports(self, imports: Any) -> None:
        names = [_text(imports.symbols[i]) for i in range(imports.count)]
        required = [name for name in names if not name.startswith("?")]
        if required:
            raise ExecutableMismatch(
                f"executable {self.name!r} imports functions that nothing here provides: "
                f"{', '.join(required)}; compile it without external plugins"
            )
        # Optional imports that are absent are null pointers.
        self._import_table = (void_p * max(len(names), 1))()
        self._environment.import_funcs = ctypes.addressof(self._import_table)
        self._environment.import_contexts = ctypes.addressof(self._import_table)


def _query(address: int, environment_address: int) -> Any:
    pointer = _QUERY(address)(LIBRARY_VERSION, environment_address)
    if not pointer:
        raise ExecutableMismatch(
            f"the executable has no library interface of version {LIBRARY_VERSION} or older; "
            "it was compiled by a newer IREE, or for other hardware"
        )
    # Every version starts with a pointer to its header.
    version = _Library.from_address(pointer).header.contents.version
    if version != LIBRARY_VERSION:
        raise ExecutableMismatch(
            f"the executable's library interface is version {version}, "
            f"this runtime reads {LIBRARY_VERSION}; compile it with IREE 3.13"
        )
    library = _Library.from_address(pointer)
    if library.header.contents.sanitizer:
        raise ExecutableMismatch("the executable was compiled for a sanitizer; compile it without")
    if library.exports.count > _MAX_EXPORTS:
        raise ExecutableMismatch("the executable's export table is corrupt")
    return library


def _kernel(exports: Any, index: int) -> Kernel:
    attributes = exports.attrs[index]
    # A zero size means that the compiler left it open: one invocation a workgroup.
    size = (
        attributes.workgroup_size_x or 1,
        attributes.workgroup_size_y or 1,
        attributes.workgroup_size_z or 1,
    )
    function = ExecutableFunction(
        name=_text(exports.names[index]) if exports.names else f"export_{index}",
        binding_count=attributes.binding_count,
        constant_count=attributes.constant_count,
        workgroup_size=size,
        local_memory_bytes=attributes.local_memory_pages * LOCAL_MEMORY_PAGE_BYTES,
        source_locations=_locations(exports, index),
    )
    return Kernel(exports.ptrs[index], function)


def _locations(exports: Any, index: int) -> tuple[str, ...]:
    found: list[str] = []
    if exports.source_locations:
        found.append(_location(exports.source_locations[index]))
    if exports.stage_locations:
        stage = exports.stage_locations[index]
        found.extend(_location(stage.locations[i]) for i in range(stage.count))
    return tuple(dict.fromkeys(filter(None, found)))


def _location(location: Any) -> str:
    path = _text(location.path)
    return f"{path}:{location.line}" if path else ""


def _text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""
