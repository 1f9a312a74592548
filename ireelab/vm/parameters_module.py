"""The ``io_parameters`` module: values of a program that live beside it, by scope and key.

Mirrors ``runtime/src/iree/modules/io/parameters`` and ``runtime/src/iree/io``.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import difflib
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ireelab.errors import ParameterError
from ireelab.hal.buffer import Buffer
from ireelab.hal.device import Device
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence
from ireelab.hal.types import BufferUsage
from ireelab.vm.parameter_files import Bytes, Parameter, read_file
from ireelab.vm.values import VMBuffer, VMList

Source: TypeAlias = "Path | Mapping[str, npt.NDArray[Any]]"
"""A file, or arrays by key."""

Scopes: TypeAlias = "Mapping[str, tuple[Source, ...]]"
"""What a program finds in each scope; "" is the scope of parameters without one."""

NO_PARAMETERS: Scopes = MappingProxyType({})
_IMMUTABLE = int(BufferUsage.SHARING_IMMUTABLE)
_KEY, _SPAN = struct.Struct("<II"), struct.Struct("<QQQ")
_Given: TypeAlias = "str | os.PathLike[str] | Mapping[str, npt.NDArray[Any]]"


def scopes_of(given: Mapping[str, _Given | Sequence[_Given]]) -> Scopes:
    """What a user gave, checked: every file is there and read once, for what is wrong with it."""
    scopes: dict[str, tuple[Source, ...]] = {}
    for scope, sources in given.items():
        listed = [sources] if isinstance(sources, str | os.PathLike | Mapping) else sources
        scopes[scope] = tuple(_source(each) for each in listed)
        for source in scopes[scope]:
            _index(source)
    return MappingProxyType(scopes)


def _source(given: _Given) -> Source:
    return Path(given) if isinstance(given, str | os.PathLike) else given


def _index(source: Source) -> dict[str, Parameter]:
    if isinstance(source, Path):
        return read_file(source)
    found: dict[str, Parameter] = {}
    for key, array in source.items():
        if not array.flags.c_contiguous:
            raise ParameterError(f"the array of parameter {key!r} is not C-contiguous")
        data = array.reshape(-1).view(np.uint8)
        found[key] = Parameter(data, data.size)
    return found


class ParametersModule:
    """The imports of one context. Files are mapped when a scope is first used."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._indices: dict[str, dict[str, Parameter]] = {}

    def resolve(self, name: str) -> Callable[..., Any] | None:
        """The function behind an import ``io_parameters.<name>``, None if there is none."""
        return {
            "io_parameters.load": self.load,
            "io_parameters.gather": self.gather,
            "io_parameters.scatter": self.scatter,
        }.get(name)

    def load(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None,
        scope: VMBuffer | None, _target_affinity: int, memory_type: int, usage: int,
        *table: VMBuffer,
    ) -> VMList:  # fmt: skip
        """A new buffer for each parameter."""
        buffers = VMList("!vm.ref<!hal.buffer>")
        for parameter, offset, _, length in self._spans(scope, *table):
            data = parameter.read(offset, length)
            # What the program never writes may stay where it is; the device copies where it must.
            if not usage & _IMMUTABLE and not parameter.splat:
                data = np.array(data)
            buffer = device.allocator.share_host(data, memory_type, usage)
            buffers.items.append(("ref", buffer))
        if wait is not None or signal is not None:
            device.queue_barrier(affinity, wait, signal, 0)
        return buffers

    def gather(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None,
        scope: VMBuffer | None, target: Buffer, *table: VMBuffer,
    ) -> None:  # fmt: skip
        """Parameters into ranges of one buffer."""
        ended: list[Fence] = []
        for parameter, offset, target_offset, length in self._spans(scope, *table):
            file = File(parameter.read(offset, length).data)
            one = _fence(device, signal, ended)
            device.queue_read(affinity, wait, one, file, 0, target, target_offset, length, 0)
        _join(device, affinity, wait, signal, ended)

    def scatter(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None,
        source: Buffer, scope: VMBuffer | None, *table: VMBuffer,
    ) -> None:  # fmt: skip
        """Ranges of one buffer into parameters, which must be the caller's arrays."""
        ended: list[Fence] = []
        for parameter, offset, source_offset, length in self._spans(
            scope, *table, writable_for=_name(scope)
        ):
            file = File(parameter.data.data)
            one = _fence(device, signal, ended)
            device.queue_write(affinity, wait, one, source, source_offset, file, offset, length, 0)
        _join(device, affinity, wait, signal, ended)

    def _spans(
        self, scope: VMBuffer | None, keys: VMBuffer, names: VMBuffer, spans: VMBuffer,
        *, writable_for: str | None = None,
    ) -> Iterator[tuple[Parameter, int, int, int]]:  # fmt: skip
        """Parameter, offset in it, offset in the buffer, length."""
        name = _name(scope)
        index = self._index_of(name)
        for number, (offset, buffer_offset, length) in enumerate(_SPAN.iter_unpack(spans.data)):
            at, size = _KEY.unpack(keys.span(_KEY.size * number, _KEY.size))
            key = bytes(names.span(at, size)).decode(errors="replace")
            parameter = index.get(key)
            if parameter is None:
                raise _unknown("parameter", f"{name}::{key}" if name else key, [*index])
            if offset + length > parameter.length:
                raise ParameterError(
                    f"the program takes bytes [{offset}, {offset + length}) of parameter {key!r}, "
                    f"which has {parameter.length:,}: it was made for another model"
                )
            if writable_for is not None and not self._is_array(name, key, parameter.data):
                raise ParameterError(
                    f"the program writes parameter {key!r} of scope {name!r}, which is in a file "
                    "or a read-only array; give a writable array for it"
                )
            yield parameter, offset, buffer_offset, length

    def _is_array(self, scope: str, key: str, data: Bytes) -> bool:
        sources = self._scopes[scope]
        given = any(isinstance(source, Mapping) and key in source for source in sources)
        return given and bool(data.flags.writeable)

    def _index_of(self, scope: str) -> dict[str, Parameter]:
        found = self._indices.get(scope)
        if found is None:
            sources = self._scopes.get(scope)
            if sources is None:
                raise _unknown("scope of parameters", scope, [*self._scopes])
            found = self._indices[scope] = {}
            for source in sources:
                found.update(_index(source))
        return found


def _name(scope: VMBuffer | None) -> str:
    return "" if scope is None else scope.text()


def _fence(device: Device, signal: Fence | None, ended: list[Fence]) -> Fence | None:
    """For one of several operations; none where the program waits for none."""
    if signal is None:
        return None
    ended.append(device.create_fence())
    return ended[-1]


def _join(
    device: Device, affinity: int, wait: Fence | None, signal: Fence | None, ended: list[Fence]
) -> None:
    if signal is not None:
        device.queue_barrier(affinity, Fence.join((wait, *ended)), signal, 0)


def _unknown(what: str, name: str, known: list[str]) -> ParameterError:
    close = difflib.get_close_matches(name.rpartition("::")[2], known, 1)
    hint = f"did you mean {close[0]!r}" if close else f"there is {', '.join(known[:8]) or 'none'}"
    return ParameterError(
        f"the program needs the {what} {name!r}; {hint}. Give it with --parameters=SCOPE=FILE, or "
        "program.with_parameters({scope: file})"
    )
