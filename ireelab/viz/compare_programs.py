"""Executables and VM modules beside each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from ireelab.viz.comparison import (
    Comparison,
    Part,
    PartTable,
    Quantity,
    first_of,
    members,
    pair_up,
    quantity,
)
from ireelab.viz.executables import EntryPoint, Executables
from ireelab.viz.vm_listing import VmFunctionListing, VmListing

_CPU = (  # name, unit, attribute of CpuFunction
    ("stack size", "B", "stack_bytes"),
    ("spills", "", "spills"),
    ("reloads", "", "reloads"),
)
_MIX = (  # name, unit, attribute of the instruction mix
    ("vector width", "bit", "vector_bits"),
    ("vector registers", "", "vector_registers"),
    ("general registers", "", "general_registers"),
    ("memory operands", "", "memory_operands"),
)


def compare_executables(sides: Sequence[Executables], labels: tuple[str, ...]) -> Comparison:
    """Kernels by entry point: code size, spills, vector width and instructions by class.

    Where the names differ, kernels of the same executable pair up: another shape or fusion may
    have renamed the function. Of a CPU kernel the code is what this machine's JIT makes.
    """
    entries = [list(side.entry_points) for side in sides]
    rows = _kernel_rows(entries)
    parts = tuple(_kernel(members(entries, row)) for row in rows)
    totals = (
        quantity("kernels", "", [len(side) for side in entries]),
        quantity("code", "B", [_total(side, _code_bytes) for side in entries]),
        quantity("instructions", "", [_total(side, _instructions) for side in entries]),
        quantity("spills and reloads", "", [_total(side, _moved) for side in entries]),
    )
    table = PartTable("kernels", parts)
    return Comparison("executables", labels, totals, (table,), tuple(sides))


def _kernel_rows(entries: Sequence[Sequence[EntryPoint]]) -> list[tuple[int | None, ...]]:
    """Kernels of the same entry point and format; what is left over of the same entry point, as
    across targets; and what is left then of the same executable, as where a shape was renamed."""
    rows = _pairs(entries, [range(len(side)) for side in entries], _with_format)
    for key in (_entry_point, _executable):
        left = [
            [at for row in rows if None in row and (at := row[side]) is not None]
            for side in range(len(entries))
        ]
        rows = [*(row for row in rows if None not in row), *_pairs(entries, left, key)]
    return sorted(rows, key=lambda row: [(at is None, at or 0) for at in row])


def _pairs(
    entries: Sequence[Sequence[EntryPoint]],
    places: Sequence[Sequence[int]],
    key: Callable[[EntryPoint], Hashable],
) -> list[tuple[int | None, ...]]:
    sides = zip(entries, places, strict=True)
    rows = pair_up([[key(side[at]) for at in some] for side, some in sides])
    return [tuple(members(places, row)) for row in rows]


def _with_format(entry: EntryPoint) -> Hashable:
    return entry.entry_point, entry.format


def _entry_point(entry: EntryPoint) -> Hashable:
    return entry.entry_point


def _executable(entry: EntryPoint) -> Hashable:
    return entry.executable


def _kernel(entries: Sequence[EntryPoint | None]) -> Part:
    return Part(
        first_of(entries).entry_point,
        tuple(None if entry is None else entry.entry_point for entry in entries),
        (*_counts(entries), *_classes(entries)),
    )


def _counts(entries: Sequence[EntryPoint | None]) -> list[Quantity]:
    found = [
        quantity("passes", "", [None if entry is None else len(entry.steps) for entry in entries]),
        quantity("code", "B", [entry and _code_bytes(entry) for entry in entries]),
        quantity("instructions", "", [entry and _instructions(entry) for entry in entries]),
    ]
    cpus = [entry and entry.cpu for entry in entries]
    if any(cpu is not None for cpu in cpus):
        for name, unit, of in _CPU:
            found.append(quantity(name, unit, [cpu and getattr(cpu, of) for cpu in cpus]))
        for name, unit, of in _MIX:
            found.append(quantity(name, unit, [cpu and getattr(cpu.mix, of) for cpu in cpus]))
    layouts = [entry and entry.layout for entry in entries]
    workgroups = [None if x is None else _product(x.workgroup_size) for x in layouts]
    found.append(quantity("workgroup invocations", "", workgroups))
    bindings = [None if x is None else len(x.bindings) for x in layouts]
    found.append(quantity("bindings", "", bindings))
    return found


def _classes(entries: Sequence[EntryPoint | None]) -> list[Quantity]:
    """Instructions by what they do. A side without code has none of a class, and says None."""
    mixes = [None if entry is None else _mix(entry) for entry in entries]
    names = sorted({name for mix in mixes if mix is not None for name in mix})
    return [
        quantity(name, "", [None if mix is None else mix.get(name, 0) for mix in mixes])
        for name in names
    ]


def _mix(entry: EntryPoint) -> dict[str, int] | None:
    if entry.cpu is not None:
        return dict(entry.cpu.mix.classes)
    return dict(entry.spirv.counts.classes) if entry.spirv is not None else None


def _code_bytes(entry: EntryPoint) -> int | None:
    if entry.cpu is not None:
        return entry.cpu.code_bytes
    return entry.spirv.code_bytes if entry.spirv is not None else None


def _instructions(entry: EntryPoint) -> int | None:
    if entry.cpu is not None:
        return entry.cpu.mix.instructions
    return sum(entry.spirv.counts.opcodes.values()) if entry.spirv is not None else None


def _moved(entry: EntryPoint) -> int | None:
    return None if entry.cpu is None else entry.cpu.spills + entry.cpu.reloads


def _total(entries: Sequence[EntryPoint], of: Callable[[EntryPoint], int | None]) -> int | None:
    """A sum over kernels; None where no kernel has the measure."""
    known = [value for entry in entries if (value := of(entry)) is not None]
    return sum(known) if known else None


def _product(sizes: Sequence[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def compare_vm(sides: Sequence[VmListing], labels: tuple[str, ...]) -> Comparison:
    """Functions by name with their instructions; imports by name with their calls."""
    functions = [list(side.functions) for side in sides]
    rows = pair_up([[function.name for function in side] for side in functions])
    imports = [list(side.imports) for side in sides]
    import_rows = pair_up([[item.name for item in side] for side in imports])
    totals = (
        quantity("functions", "", [len(side) for side in functions]),
        quantity("instructions", "", [sum(map(_size, side)) for side in functions]),
        quantity("imports", "", [len(side) for side in imports]),
        quantity("globals", "", [len(side.globals) for side in sides]),
        quantity("read-only data", "B", [sum(r.size_bytes for r in s.rodata) for s in sides]),
    )
    parts = [
        Part(
            f"@{first_of(found).name}",
            row,
            (quantity("instructions", "", [None if f is None else _size(f) for f in found]),),
        )
        for row in rows
        for found in [members(functions, row)]
    ]
    called = [
        Part(
            first_of(found).name,
            row,
            (quantity("calls", "", [None if item is None else item.calls for item in found]),),
        )
        for row in import_rows
        for found in [members(imports, row)]
    ]
    tables = (PartTable("functions", tuple(parts)), PartTable("imports", tuple(called)))
    return Comparison("vm", labels, totals, tables, tuple(sides))


def _size(function: VmFunctionListing) -> int:
    """Instructions, without the markers of blocks."""
    return sum(bool(instruction.mnemonic) for instruction in function.instructions)
