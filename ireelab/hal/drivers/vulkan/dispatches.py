"""The dispatches of a HAL record: all that they bind is made before the first command is recorded.

Descriptor sets are written in one call. Between two dispatches only what differs is bound.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ireelab.hal.command_buffer import Dispatch, DispatchIndirect, LogEntry
from ireelab.hal.drivers.vulkan import vke1
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.descriptors import DescriptorWriter
from ireelab.hal.drivers.vulkan.executable import Kernel, VulkanExecutable
from ireelab.hal.drivers.vulkan.profiling import CommandOrigin
from ireelab.hal.drivers.vulkan.resolve import Resolver, Span
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

_BIND_POINT_COMPUTE = 1
_STAGE_FLAGS_COMPUTE = 0x20


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What one dispatch binds; ``words`` are its push constants."""

    kernel: Kernel
    set_number: int | None
    words: bytes


@dataclass(slots=True)
class _Bound:
    """What a command buffer has bound so far: it stays so from dispatch to dispatch."""

    layout: Handle | None = None
    pipeline: Handle | None = None
    set_number: int | None = None
    words: bytes = b""


class Dispatches:
    """Prepares, binds and records the dispatches of one command buffer, by their index in its log.

    ``uniform``: some kernel reads uniform buffers.
    """

    def __init__(self, core: Core, resolver: Resolver) -> None:
        self.uniform = False
        self._core = core
        self._lib: Any = core.vulkan.lib
        self._resolver = resolver
        self._descriptors = DescriptorWriter(core)
        self._prepared: dict[int, _Prepared] = {}
        self._bound = _Bound()

    # --- before recording -------------------------------------------------------------

    def prepare(self, log: Sequence[LogEntry]) -> Handle | None:
        """Resolve all bindings; the descriptor pool, None where no kernel uses descriptors."""
        by_address: list[tuple[int, list[Span]]] = []
        for index, (kind, fields) in enumerate(log):
            if kind is not Dispatch and kind is not DispatchIndirect:
                continue
            self._resolver.at(index, kind, fields[-1])
            executable, ordinal, _, constants, bindings = fields[:5]
            kernel = self._kernel(executable, ordinal)
            spans = self._resolver.spans(bindings)
            self._check_counts(kernel, spans, constants)
            words = struct.pack(f"<{len(constants)}I", *[c & 0xFFFF_FFFF for c in constants])
            set_number = None
            if kernel.abi == vke1.ABI_ADDRESSES:
                by_address.append((index, spans))
            elif kernel.bindings:
                set_number = self._write_set(kernel, spans)
            self._prepared[index] = _Prepared(kernel, set_number, words)
            self.uniform = self.uniform or kernel.reads_uniforms
        pool = self._descriptors.finish()
        self._address_tables(by_address)
        return pool

    def _kernel(self, executable: Any, ordinal: int) -> Kernel:
        if not isinstance(executable, VulkanExecutable) or executable.code is None:
            raise self._resolver.error("the executable is closed or of another device")
        kernels = executable.code.kernels
        if not 0 <= ordinal < len(kernels):
            raise self._resolver.error(
                f"executable {executable.name!r} has {len(kernels)} entry points, no {ordinal}"
            )
        self._resolver.kept.append(executable.code)
        return kernels[ordinal]

    def _check_counts(self, kernel: Kernel, spans: list[Span], constants: Sequence[int]) -> None:
        by_address = kernel.abi == vke1.ABI_ADDRESSES
        wanted = kernel.addresses.binding_count if by_address else len(kernel.bindings)
        if len(spans) != wanted or len(constants) != kernel.constant_count:
            raise self._resolver.error(
                f"kernel {kernel.name!r} takes {wanted} bindings and {kernel.constant_count} "
                f"constants, got {len(spans)} and {len(constants)}"
            )

    def _write_set(self, kernel: Kernel, spans: list[Span]) -> int:
        limits = self._core.limits
        entries: list[tuple[int, int, Handle, int, int]] = []
        for number, (binding, span) in enumerate(zip(kernel.bindings, spans, strict=True)):
            # Narrow types are read a word at a time; ranges of the pool end on a word.
            length = max(-(-span.length_bytes // 4) * 4, 4)
            if length > limits["maxStorageBufferRange"]:
                raise self._resolver.error(
                    f"binding {number} has {length:,} bytes, the device's largest is "
                    f"{limits['maxStorageBufferRange']:,}; compile with "
                    "--iree-vulkan-dispatch-abi=bda, which has no such limit"
                )
            if span.offset_bytes % limits["minStorageBufferOffsetAlignment"]:
                raise self._resolver.error(
                    f"binding {number} starts at byte {span.offset_bytes}, which is not a multiple "
                    f"of {limits['minStorageBufferOffsetAlignment']}"
                )
            entries.append(
                (binding.binding, binding.type, span.block.buffer, span.offset_bytes, length)
            )
        assert kernel.set_layout is not None
        return self._descriptors.add(kernel.set_layout, tuple(entries))

    def _address_tables(self, tables: list[tuple[int, list[Span]]]) -> None:
        """Device addresses of the bindings, in memory that the kernels read."""
        size = sum(-(-len(spans) // 2) * 16 for _, spans in tables)
        if not size:
            for index, _ in tables:
                self._add_root(index, 0)
            return
        pool = self._core.device_pool
        storage = (pool if pool.host_visible else self._core.staging_pool).take(size, ended=True)
        self._resolver.kept.append(storage)
        block, offset = storage.block, storage.pointer - storage.block.base
        assert block.host is not None
        for index, spans in tables:
            addresses = [s.block.device_address + s.offset_bytes for s in spans]
            data = np.frombuffer(struct.pack(f"<{len(addresses)}Q", *addresses), np.uint8)
            block.host[offset : offset + data.size] = data
            self._add_root(index, block.device_address + offset)
            offset += -(-data.size // 16) * 16

    def _add_root(self, index: int, table_address: int) -> None:
        """Put the root of the address ABI in front of a dispatch's constants."""
        prepared = self._prepared[index]
        layout, words = prepared.kernel.addresses, prepared.words
        root = struct.pack("<QQ4I", table_address, 0, 0, 0, 0, 0)
        data = bytearray(layout.constants_offset_bytes + len(words))
        data[layout.root_offset_bytes : layout.root_offset_bytes + len(root)] = root
        data[layout.constants_offset_bytes :] = words
        self._prepared[index] = _Prepared(prepared.kernel, prepared.set_number, bytes(data))

    # --- recording --------------------------------------------------------------------

    def bind(self, handle: Handle) -> None:
        """What the dispatch that comes next uses, as far as it is not bound already."""
        prepared = self._prepared[self._resolver.index]
        kernel, set_number, words = prepared.kernel, prepared.set_number, prepared.words
        lib, bound = self._lib, self._bound
        if bound.layout != kernel.layout:
            # Sets and constants of another layout may be lost with it.
            self._bound = bound = _Bound(layout=kernel.layout)
        if set_number is not None and set_number != bound.set_number:
            lib.vkCmdBindDescriptorSets(
                handle, _BIND_POINT_COMPUTE, kernel.layout, 0, 1,
                self._descriptors.set_pointer(set_number), 0, self._core.vulkan.null,
            )  # fmt: skip
            bound.set_number = set_number
        if words and words != bound.words:
            data = self._core.vulkan.ffi.from_buffer(words)
            lib.vkCmdPushConstants(handle, kernel.layout, _STAGE_FLAGS_COMPUTE, 0, len(words), data)
            bound.words = words
        if bound.pipeline != kernel.pipeline:
            lib.vkCmdBindPipeline(handle, _BIND_POINT_COMPUTE, kernel.pipeline)
            bound.pipeline = kernel.pipeline

    def record(self, handle: Handle, kind: type, fields: tuple[Any, ...]) -> CommandOrigin:
        """The dispatch itself; :meth:`bind` came before."""
        resolver = self._resolver
        kernel = self._prepared[resolver.index].kernel
        workgroups = None
        if kind is DispatchIndirect:
            counts = resolver.span(fields[2], -1)
            if counts.offset_bytes % 4 or counts.length_bytes < 12:
                raise resolver.error("the workgroup counts are not three aligned 32-bit numbers")
            self._lib.vkCmdDispatchIndirect(handle, counts.block.buffer, counts.offset_bytes)
        else:
            workgroups = tuple(fields[2])
            self._check_workgroups(workgroups)
            self._lib.vkCmdDispatch(handle, *workgroups)
        bytes_bound = sum(max(ref.length_bytes, 0) for ref in fields[4])
        location = kernel.location or resolver.location
        return CommandOrigin(
            resolver.index, "dispatch", kernel.name, bytes_bound, (location,) if location else (),
            workgroups=workgroups, executable=fields[0].name,
        )  # fmt: skip

    def _check_workgroups(self, workgroups: tuple[int, ...]) -> None:
        most = self._core.limits["maxComputeWorkGroupCount"]
        if any(have > limit for have, limit in zip(workgroups, most, strict=True)):
            raise self._resolver.error(f"{workgroups} workgroups; the most here are {tuple(most)}")
