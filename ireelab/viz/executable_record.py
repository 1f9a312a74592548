"""Machine code and SPIR-V as JSON."""

from __future__ import annotations

from ireelab.listing.binaries import SpirvKernel
from ireelab.listing.cpu import CpuFunction, Text


def cpu_record(cpu: CpuFunction) -> dict[str, object]:
    """LLVM IR, optimised IR and assembly with their line maps, and what was counted."""
    mix = cpu.mix
    return {
        "llvm_ir": text_record(cpu.llvm_ir),
        "optimised": text_record(cpu.optimised),
        "assembly": text_record(cpu.assembly),
        "code_bytes": cpu.code_bytes,
        "stack_bytes": cpu.stack_bytes,
        "spills": cpu.spills,
        "reloads": cpu.reloads,
        "instructions": mix.instructions,
        "classes": dict(mix.classes),
        "mnemonics": dict(mix.mnemonics),
        "memory_operands": mix.memory_operands,
        "vector_bits": mix.vector_bits,
        "vector_registers": mix.vector_registers,
        "general_registers": mix.general_registers,
    }


def text_record(text: Text) -> dict[str, object]:
    """One text; per line the line of the LLVM IR (0: none) and the number of its location.

    ``places[0]`` is "", for lines without one.
    """
    places = {"": 0}
    numbers = [places.setdefault(place, len(places)) for place in text.locations]
    return {
        "text": str(text),
        "llvm_lines": list(text.llvm_lines),
        "places": list(places),
        "locations": numbers,
    }


def spirv_record(spirv: SpirvKernel) -> dict[str, object]:
    """The disassembly and what was counted."""
    return {
        "version": list(spirv.version),
        "capabilities": list(spirv.capabilities),
        "abi": spirv.abi,
        "code_bytes": spirv.code_bytes,
        "text": "\n".join(spirv.lines),
        "locations": list(spirv.locations) if any(spirv.locations) else [],
        "classes": dict(spirv.counts.classes),
        "opcodes": dict(spirv.counts.opcodes),
    }


def annotated(source: str, cpu: CpuFunction) -> str:
    """Assembly with the line of the source above the instructions that it became.

    Some of IREE's lowerings leave instructions without a location; they stand under "no location".
    """
    lines = source.split("\n")
    out: list[str] = []
    shown = ""
    for text, place in zip(cpu.assembly.lines, cpu.assembly.locations, strict=True):
        instruction = text.startswith("\t")
        if instruction and place != shown:
            row = int(place.rsplit(":", 2)[1]) if place else 0
            said = lines[row - 1].strip() if 0 < row <= len(lines) else ""
            out.append(f"# {place}  {said}" if place else "# no location")
            shown = place
        out.append(text)
    return "\n".join(out)
