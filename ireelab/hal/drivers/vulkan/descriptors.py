"""Descriptor sets of one command buffer: one pool, one allocation, one update."""

from __future__ import annotations

from typing import Any

from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs

Entry = tuple[int, int, Handle, int, int]
"""binding, descriptor type, buffer, offset in bytes, range in bytes"""

_WRITE_TYPE = 35  # sType of VkWriteDescriptorSet


class DescriptorWriter:
    """Collects sets with :meth:`add`, creates and writes them all with :meth:`finish`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._layouts: list[Handle] = []
        self._entries: list[tuple[Entry, ...]] = []
        self._numbers: dict[tuple[Handle, tuple[Entry, ...]], int] = {}
        self._sets: Any = None

    def add(self, layout: Handle, entries: tuple[Entry, ...]) -> int:
        """The number of the set with these buffers; a new one where there is none yet."""
        number = self._numbers.setdefault((layout, entries), len(self._layouts))
        if number == len(self._layouts):
            self._layouts.append(layout)
            self._entries.append(entries)
        return number

    def set_pointer(self, number: int) -> Any:
        """``VkDescriptorSet*`` of a set, once finished."""
        return self._sets + number

    def finish(self) -> Handle | None:
        """The descriptor pool that holds the sets, None where there are none."""
        if not self._layouts:
            return None
        core, vulkan = self._core, self._core.vulkan
        structs = Structs(vulkan)
        counts: dict[int, int] = {}
        for entries in self._entries:
            for entry in entries:
                counts[entry[1]] = counts.get(entry[1], 0) + 1
        sizes = [
            structs.new("VkDescriptorPoolSize", type=kind, descriptorCount=count)
            for kind, count in counts.items()
        ]
        info = structs.new(
            "VkDescriptorPoolCreateInfo",
            maxSets=len(self._layouts),
            poolSizeCount=len(sizes),
            pPoolSizes=sizes,
        )
        pool = vulkan.create("vkCreateDescriptorPool", "VkDescriptorPool", core.handle, info)
        allocate = structs.new(
            "VkDescriptorSetAllocateInfo",
            descriptorPool=pool,
            descriptorSetCount=len(self._layouts),
            pSetLayouts=self._layouts,
        )
        self._sets = vulkan.ffi.new("VkDescriptorSet[]", len(self._layouts))
        result = vulkan.lib.vkAllocateDescriptorSets(core.handle, allocate, self._sets)
        if result:
            vulkan.lib.vkDestroyDescriptorPool(core.handle, pool, vulkan.null)
            vulkan.check(result, "vkAllocateDescriptorSets")
        self._write(sum(counts.values()))
        return pool

    def _write(self, count: int) -> None:
        vulkan = self._core.vulkan
        infos = vulkan.ffi.new("VkDescriptorBufferInfo[]", count)
        writes = vulkan.ffi.new("VkWriteDescriptorSet[]", count)
        index = 0
        for set_number, entries in enumerate(self._entries):
            for binding, kind, buffer, offset, length in entries:
                info, write = infos[index], writes[index]
                info.buffer, info.offset, info.range = buffer, offset, length
                write.sType = _WRITE_TYPE
                write.dstSet = self._sets[set_number]
                write.dstBinding = binding
                write.descriptorCount = 1
                write.descriptorType = kind
                write.pBufferInfo = infos + index
                index += 1
        vulkan.lib.vkUpdateDescriptorSets(self._core.handle, count, writes, 0, vulkan.null)
