"""Executables: shader modules, layouts and pipelines of one VKE1 file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.vulkan import requirements, vke1
from ireelab.hal.drivers.vulkan.cooperative_matrix import without_fragment_conversions
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.narrow_atomics import with_wide_atomics
from ireelab.hal.drivers.vulkan.pipeline_cache import PipelineCache
from ireelab.hal.drivers.vulkan.spirv import EntryPoint, Module, analyze
from ireelab.hal.drivers.vulkan.spirv_header import with_true_header
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs
from ireelab.hal.executable import Executable, ExecutableFunction

FORMATS = ("vulkan-spirv-fb", "vulkan-spirv-bda-v1")
_STAGE_COMPUTE = 0x20
_UNIFORM_BUFFER, _STORAGE_BUFFER = 6, 7  # VkDescriptorType


@dataclass(frozen=True)
class Kernel:
    """What recording a dispatch needs. ``set_layout`` is None for kernels without descriptors."""

    name: str
    pipeline: Handle = field(repr=False)
    layout: Handle = field(repr=False)
    set_layout: Handle | None = field(repr=False)
    bindings: tuple[vke1.LayoutBinding, ...]
    abi: int
    addresses: vke1.AddressLayout
    constant_count: int
    workgroup_size: tuple[int, int, int]
    subgroup_size: int
    location: str

    @property
    def reads_uniforms(self) -> bool:
        return any(binding.type == _UNIFORM_BUFFER for binding in self.bindings)


class Code:
    """The Vulkan objects of an executable; lives as long as a command buffer uses it."""

    def __init__(
        self, core: Core, cache: PipelineCache, data: bytes | memoryview, constants: bytes
    ) -> None:
        self._core = core
        self._created: list[tuple[str, Handle]] = []
        self.kernels: tuple[Kernel, ...] = ()
        definition = vke1.parse(data)
        repaired = [_repaired(words) for words in definition.modules]
        modules = [module for _, module in repaired]
        for pipeline in definition.pipelines:  # refuse before anything is given to the driver
            module = modules[pipeline.module]
            requirements.check(core.logical, pipeline, module, _entry_point(pipeline, module))
            requirements.required_subgroup_size(core.logical, pipeline, module)
        try:
            shaders = [self._shader(code) for code, _ in repaired]
            self.kernels = self._create(definition, modules, shaders, cache, constants)
        except BaseException:
            self.destroy()
            raise
        core.resources.add(self)

    def destroy(self) -> None:
        vulkan = self._core.vulkan
        while self._created:
            function, handle = self._created.pop()
            getattr(vulkan.lib, function)(self._core.handle, handle, vulkan.null)

    def __del__(self) -> None:
        if self._created:
            # Not `self.destroy`: that would bring this object back to life.
            core, created = self._core, self._created
            self._created = []
            core.queues.retire(lambda: _destroy(core, created))

    def _create(
        self,
        definition: vke1.ExecutableDef,
        modules: list[Module],
        shaders: list[Handle],
        cache: PipelineCache,
        constants: bytes,
    ) -> tuple[Kernel, ...]:
        structs = Structs(self._core.vulkan)
        specialization = _specialization(structs, constants)
        set_layouts = [self._set_layout(structs, bindings) for bindings in definition.set_layouts]
        layouts = [self._layout(structs, layout, set_layouts) for layout in definition.layouts]
        kernels: list[Kernel] = []
        for pipeline in definition.pipelines:
            module = modules[pipeline.module]
            layout = definition.layouts[pipeline.layout]
            subgroup = requirements.required_subgroup_size(self._core.logical, pipeline, module)
            handle = self._pipeline(
                structs, pipeline, shaders[pipeline.module], layouts[pipeline.layout], subgroup,
                specialization, cache,
            )  # fmt: skip
            ordinal = layout.sets[0] if layout.sets else None
            kernels.append(
                Kernel(
                    name=pipeline.name,
                    pipeline=handle,
                    layout=layouts[pipeline.layout],
                    set_layout=None if ordinal is None else set_layouts[ordinal],
                    bindings=() if ordinal is None else definition.set_layouts[ordinal],
                    abi=pipeline.abi,
                    addresses=pipeline.addresses,
                    constant_count=_constant_count(pipeline, layout),
                    workgroup_size=_entry_point(pipeline, module).workgroup_size,
                    subgroup_size=subgroup or self._core.physical.subgroup_size,
                    location=pipeline.location,
                )
            )
        return tuple(kernels)

    def _set_layout(self, structs: Structs, bindings: tuple[vke1.LayoutBinding, ...]) -> Handle:
        for binding in bindings:
            if binding.type not in (_UNIFORM_BUFFER, _STORAGE_BUFFER) or binding.count != 1:
                raise ExecutableMismatch(
                    f"binding {binding.binding} is of descriptor type {binding.type} and count "
                    f"{binding.count}; kernels of IREE bind single buffers"
                )
        items = [
            structs.new(
                "VkDescriptorSetLayoutBinding",
                binding=b.binding,
                descriptorType=b.type,
                descriptorCount=b.count,
                stageFlags=b.stages,
            )
            for b in bindings
        ]
        info = structs.new(
            "VkDescriptorSetLayoutCreateInfo", bindingCount=len(items), pBindings=items
        )
        return self._make("DescriptorSetLayout", info)

    def _layout(
        self, structs: Structs, layout: vke1.PipelineLayout, set_layouts: list[Handle]
    ) -> Handle:
        if len(layout.sets) > 1:
            raise ExecutableMismatch(
                f"the executable uses {len(layout.sets)} descriptor sets; IREE 3.13 uses one"
            )
        ranges = [
            structs.new(
                "VkPushConstantRange", stageFlags=r.stages, offset=r.offset_bytes, size=r.size_bytes
            )
            for r in layout.push_ranges
        ]
        most = self._core.limits["maxPushConstantsSize"]
        needed = max((r.offset_bytes + r.size_bytes for r in layout.push_ranges), default=0)
        if needed > most:
            raise ExecutableMismatch(
                f"the executable needs {needed} bytes of push constants, the device has {most}"
            )
        sets = [set_layouts[ordinal] for ordinal in layout.sets]
        info = structs.new(
            "VkPipelineLayoutCreateInfo",
            setLayoutCount=len(sets),
            pSetLayouts=sets,
            pushConstantRangeCount=len(ranges),
            pPushConstantRanges=ranges,
        )
        return self._make("PipelineLayout", info)

    def _shader(self, code: bytes) -> Handle:
        structs = Structs(self._core.vulkan)
        words = self._core.vulkan.ffi.cast("uint32_t *", structs.bytes(code))
        info = structs.new("VkShaderModuleCreateInfo", codeSize=len(code), pCode=words)
        return self._make("ShaderModule", info)

    def _pipeline(
        self, structs: Structs, pipeline: vke1.Pipeline, shader: Handle, layout: Handle,
        subgroup_size: int, specialization: Any, cache: PipelineCache,
    ) -> Handle:  # fmt: skip
        core = self._core
        vulkan = core.vulkan
        size = None
        if subgroup_size:
            size = structs.new(
                "VkPipelineShaderStageRequiredSubgroupSizeCreateInfo",
                requiredSubgroupSize=subgroup_size,
            )
        stage = structs.new(
            "VkPipelineShaderStageCreateInfo",
            next=size,
            stage=_STAGE_COMPUTE,
            module=shader,
            pName=pipeline.entry_point,
            pSpecializationInfo=vulkan.null if specialization is None else specialization,
        )
        info = structs.new("VkComputePipelineCreateInfo", stage=stage, layout=layout)
        out = vulkan.ffi.new("VkPipeline *")
        result = vulkan.lib.vkCreateComputePipelines(
            core.handle, cache.handle, 1, info, vulkan.null, out
        )
        vulkan.check(result, f"building the pipeline of kernel {pipeline.entry_point!r}")
        self._created.append(("vkDestroyPipeline", out[0]))
        return out[0]

    def _make(self, noun: str, info: Any) -> Handle:
        core = self._core
        handle = core.vulkan.create(f"vkCreate{noun}", f"Vk{noun}", core.handle, info)
        self._created.append((f"vkDestroy{noun}", handle))
        return handle


class VulkanExecutable(Executable):
    """Kernels of one VKE1 file. ``code`` is None once closed."""

    def __init__(
        self,
        core: Core,
        cache: PipelineCache,
        format: str,
        data: bytes | memoryview,
        constants: bytes,
    ) -> None:
        if format not in FORMATS:
            raise ExecutableMismatch(
                f"vulkan cannot run executables of format {format!r}; it runs "
                f"{' and '.join(FORMATS)}: compile with --iree-hal-target-device=vulkan"
            )
        self.code: Code | None = Code(core, cache, data, constants)
        core.raise_messages()
        kernels = self.code.kernels
        self.format = format
        self.name = kernels[0].name if kernels else "executable"
        self.functions = tuple(_function(kernel) for kernel in kernels)
        self._ordinals = {kernel.name: i for i, kernel in enumerate(kernels)}

    def lookup(self, name: str) -> int:
        ordinal = self._ordinals.get(name)
        return super().lookup(name) if ordinal is None else ordinal

    def close(self) -> None:
        # Command buffers that use the code hold it themselves.
        self.code = None


def _function(kernel: Kernel) -> ExecutableFunction:
    by_address = kernel.abi == vke1.ABI_ADDRESSES
    return ExecutableFunction(
        name=kernel.name,
        binding_count=kernel.addresses.binding_count if by_address else len(kernel.bindings),
        constant_count=kernel.constant_count,
        workgroup_size=kernel.workgroup_size,
        source_locations=(kernel.location,) if kernel.location else (),
    )


def _repaired(code: bytes) -> tuple[bytes, Module]:
    """A module without what IREE 3.13 gets wrong, and what it needs."""
    module = analyze(code)
    if module.atomic_bits & {8, 16}:
        code = with_wide_atomics(code)
        module = analyze(code)
    return with_true_header(without_fragment_conversions(code)), module


def _constant_count(pipeline: vke1.Pipeline, layout: vke1.PipelineLayout) -> int:
    if pipeline.abi == vke1.ABI_ADDRESSES:
        if pipeline.addresses.version != 1 or pipeline.addresses.entry_type != 0:
            raise ExecutableMismatch(
                f"kernel {pipeline.entry_point!r} uses version {pipeline.addresses.version} of the "
                "buffer-device-address ABI; version 1 with plain addresses is supported"
            )
        return pipeline.addresses.constant_count
    return sum(r.size_bytes for r in layout.push_ranges) // 4


def _entry_point(pipeline: vke1.Pipeline, module: Module) -> EntryPoint:
    found = next((e for e in module.entry_points if e.name == pipeline.entry_point), None)
    if found is None:
        raise ExecutableMismatch(f"the shader module has no kernel {pipeline.entry_point!r}")
    return found


def _specialization(structs: Structs, constants: bytes) -> Any:
    """Executable constants are the specialization constants of the same number; None for none."""
    if not constants:
        return None
    entries = [
        structs.new("VkSpecializationMapEntry", constantID=i, offset=4 * i, size=4)
        for i in range(len(constants) // 4)
    ]
    return structs.new(
        "VkSpecializationInfo",
        mapEntryCount=len(entries),
        pMapEntries=entries,
        dataSize=len(constants),
        pData=structs.bytes(constants),
    )


def _destroy(core: Core, created: list[tuple[str, Handle]]) -> None:
    for function, handle in reversed(created):
        getattr(core.vulkan.lib, function)(core.handle, handle, core.vulkan.null)
