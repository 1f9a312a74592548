"""The VM listing, against the VM IR of the trace, IREE's own disassembler, and what ran."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import Traces

from ireelab import examples
from ireelab.hal.timeline import Event, Timeline
from ireelab.viz.vm_listing import VmListing, vm_listing
from ireelab.vm.run import RunResult, run

FUNCTIONS = {example.name: example.function for example in examples.EXAMPLES}


def profiled(traces: Traces, name: str, repeat: int = 2) -> tuple[VmListing, tuple[Event, ...]]:
    program = traces(name).program
    result: RunResult = run(
        program, FUNCTIONS[name], *examples.inputs(name), profile=True, repeat=repeat
    )
    assert result.timeline is not None
    return vm_listing(program, result), result.timeline.events


def test_imports_and_calls_are_those_of_the_vm_ir(traces: Traces, example: str) -> None:
    trace = traces(example)
    text = trace.ir(trace.phases["vm"][-1], module=True)
    listing = vm_listing(trace.program)
    declared = set(re.findall(r"vm\.import private (?:optional )?@([\w.]+)\(", text))
    assert {item.name for item in listing.imports} == declared
    called = Counter(re.findall(r"vm\.call(?:\.variadic)?(?:\.yieldable)? @([\w.]+)\(", text))
    assert {item.name: item.calls for item in listing.imports if item.calls} == {
        name: count for name, count in called.items() if name in declared
    }


def test_offsets_are_those_of_iree_dump_module(traces: Traces, tmp_path: Path) -> None:
    program = traces("mlp").program
    path = tmp_path / "mlp.vmfb"
    program.save(path)
    tool = Path(sys.executable).with_name("iree-dump-module")
    done = subprocess.run(
        [tool, "--output=disassembly", "--bytecode_offsets", path],
        capture_output=True,
        text=True,
        check=True,
    )
    peer = Counter(re.findall(r"\[([0-9A-F]{8})\]", done.stdout))
    ours = Counter(
        f"{instruction.pc:08X}"
        for function in vm_listing(program).functions
        for instruction in function.instructions
    )
    assert ours.keys() == peer.keys()


def test_every_event_of_the_mlp_has_its_instruction(traces: Traces) -> None:
    listing, events = profiled(traces, "mlp", repeat=3)
    assert listing.linked_events == len(events)
    caused = {
        index: instruction
        for function in listing.functions
        for instruction in function.instructions
        for index in instruction.events
    }
    assert len(caused) == len(events)
    for index, event in enumerate(events):
        instruction = caused[index]
        if event.kind == "dispatch":
            assert instruction.entry_point == event.entry_point
            assert instruction.import_name == "hal.command_buffer.dispatch"
        elif event.kind == "submit":
            assert instruction.import_name.startswith("hal.device.queue.execute")
        else:
            assert event.kind.removeprefix("execution ") in instruction.import_name


def test_allocations_lead_to_the_call_with_their_size(traces: Traces) -> None:
    listing, events = profiled(traces, "mlp")
    for function in listing.functions:
        constants = {
            name: int(value)
            for i in function.instructions
            for name, value in re.findall(r"%(i\d+):\d+ = vm\.const\.i64 (-?\d+)", i.text)
        }
        for instruction in function.instructions:
            if instruction.import_name == "hal.device.queue.alloca":
                sizes = {constants.get(r) for r in re.findall(r"%(i\d+)", instruction.text)}
                assert instruction.events
                assert all(events[index].bytes in sizes for index in instruction.events)


def test_what_loops_allocate_is_linked_to_none(traces: Traces) -> None:
    listing, events = profiled(traces, "while")
    linked = {index for f in listing.functions for i in f.instructions for index in i.events}
    left = {events[index].kind for index in range(len(events)) if index not in linked}
    assert left == {"alloca"}


def test_globals_and_rodata_know_who_uses_them(traces: Traces) -> None:
    listing = vm_listing(traces("mlp").program)
    for item in (*listing.globals, *listing.rodata):
        assert item.uses
        for identity in item.uses:
            instruction = listing.instruction(identity)
            assert "global" in instruction.mnemonic or "rodata" in instruction.mnemonic
    buffers = {listing.instruction(u).mnemonic for g in listing.globals for u in g.uses}
    assert buffers == {"global.load.ref", "global.store.ref"}
    kernels = {i.entry_point for f in listing.functions for i in f.instructions} - {""}
    assert len(kernels) == 2
    with pytest.raises(KeyError, match="function:byte"):
        listing.instruction("9:9")


def test_locations_name_lines_of_the_source(traces: Traces) -> None:
    places = {
        i.location for f in vm_listing(traces("mlp").program).functions for i in f.instructions
    }
    assert any(re.search(r"mlp\.mlir:\d+:\d+$", place) for place in places)


def test_json_and_text(traces: Traces) -> None:
    listing, _ = profiled(traces, "counter")
    record = json.loads(json.dumps(listing.to_json()))
    assert [f["name"] for f in record["functions"]] == [f.name for f in listing.functions]
    assert record["exports"]
    text = repr(listing)
    assert "func 0 @" in text and "rodata 0:" in text


def test_events_of_another_program_are_linked_to_none(traces: Traces) -> None:
    other = Event(
        "k", "dispatch", "q", 0, 0, 5, (1, 1, 1),
        entry_point="k", command_buffer=1, command=0, submission=1,
    )  # fmt: skip
    listing = vm_listing(traces("mlp").program, Timeline([other]))
    assert listing.linked_events == 0
    assert vm_listing(traces("mlp").program).linked_events is None
