"""Edited and recompiled executables, run and compared with NumPy and the unedited program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, Traces

from ireelab import examples
from ireelab.errors import CompileError, ExecutableMismatch, InvalidCode, ProgramError
from ireelab.listing.binaries import binaries
from ireelab.pipeline.compile import compile
from ireelab.program import load
from ireelab.viz.executable_record import annotated
from ireelab.viz.executables import executables
from ireelab.vm.run import run

KERNEL = "mlp_dispatch_0_matmul_8x128x64_f32"


def kernel_text(traces: Traces) -> str:
    return str(executables(traces("mlp"))["mlp_dispatch_0"].llvm_ir)


def test_an_edited_kernel_does_what_the_edit_says(traces: Traces) -> None:
    program = traces("mlp").program
    x, w1, b1, w2 = inputs = examples.inputs("mlp")
    text = kernel_text(traces)
    edited = program.with_llvm_ir(KERNEL, text.replace("= fadd ", "= fsub "))
    (result,) = run(edited, "mlp", *inputs).outputs
    expected = np.maximum(x @ w1 - b1, 0) @ w2
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-4, atol=1e-4)
    (before,) = run(program, "mlp", *inputs).outputs
    assert np.abs(np.asarray(before) - expected).max() > 0.01
    assert edited.edited and not program.edited


def test_the_same_text_gives_the_same_bits(traces: Traces) -> None:
    program = traces("mlp").program
    inputs = examples.inputs("mlp")
    (expected,) = run(program, "mlp", *inputs).outputs
    whole = binaries(program)[0].cpu
    assert whole is not None
    for name, text in (
        (f"mlp_dispatch_0::{KERNEL}", f"\n\n{kernel_text(traces)}\n"),
        (whole.name, whole.text),
    ):
        (result,) = run(program.with_llvm_ir(name, text), "mlp", *inputs).outputs
        np.testing.assert_array_equal(result, expected)


def test_errors_name_the_line_of_the_text(traces: Traces) -> None:
    program, text = traces("mlp").program, kernel_text(traces)
    line = next(i for i, row in enumerate(text.split("\n"), 1) if "= fadd " in row)
    with pytest.raises(InvalidCode, match=f"line {line}, .*expected instruction opcode") as caught:
        program.with_llvm_ir(KERNEL, text.replace("= fadd ", "= fadx ", 1))
    assert caught.value.line == line
    with pytest.raises(InvalidCode) as caught:
        program.with_llvm_ir(KERNEL, "\n" + text.replace("= fadd ", "= fadx ", 1))
    assert caught.value.line == line + 1


def test_what_kills_llvm_does_not_kill_us(traces: Traces) -> None:
    program, text = traces("mlp").program, kernel_text(traces)
    first, rest = text.split("\n", 1)
    unordered = f"{first}\n  %late.use = add i32 %late, 1\n  %late = add i32 1, 2\n{rest}"
    with pytest.raises(InvalidCode, match="does not dominate all uses") as caught:
        program.with_llvm_ir(KERNEL, unordered)
    assert caught.value.line == 3
    assembler = f'{first}\n  call void asm sideeffect "frobnicate", ""()\n{rest}'
    with pytest.raises(InvalidCode):
        program.with_llvm_ir(KERNEL, assembler)


def test_another_function_or_none_is_refused(traces: Traces) -> None:
    program = traces("mlp").program
    with pytest.raises(InvalidCode, match="must define the function"):
        program.with_llvm_ir(KERNEL, "define i32 @other() {\n  ret i32 0\n}")
    with pytest.raises(InvalidCode, match="must define the whole module"):
        program.with_llvm_ir("mlp_linked", kernel_text(traces))
    with pytest.raises(KeyError, match=KERNEL):
        program.with_llvm_ir("nope", "")
    with pytest.raises(ExecutableMismatch, match=r"il\.compile"):
        load(program.to_bytes()).with_llvm_ir(KERNEL, "")


def test_a_vmfb_does_not_drop_an_edit_silently(traces: Traces, tmp_path: Path) -> None:
    edited = traces("mlp").program.with_llvm_ir(KERNEL, kernel_text(traces))
    with pytest.raises(ProgramError, match="replaced executables"):
        edited.save(tmp_path / "edited.vmfb")
    assert not list(tmp_path.iterdir())


def test_one_executable_with_other_flags(traces: Traces) -> None:
    trace = traces("dynamic")
    inputs = examples.inputs("dynamic")
    program, again = trace.recompile("main_dispatch_1", flags=["--iree-opt-level=O3"])
    before, after = executables(trace), executables(again, program)
    (entry,) = after
    assert entry.entry_point == before["main_dispatch_1"].entry_point
    assert entry.source and entry.steps
    assert entry.cpu is not None and before["main_dispatch_1"].cpu is not None
    assert entry.cpu.mix.mnemonics != before["main_dispatch_1"].cpu.mix.mnemonics
    other = executables(trace, program)["main_dispatch_0"].cpu
    assert other is not None and before["main_dispatch_0"].cpu is not None
    assert other.mix == before["main_dispatch_0"].cpu.mix
    name = next(e.function for e in examples.EXAMPLES if e.name == "dynamic")
    (expected,), (result,) = (run(p, name, *inputs).outputs for p in (trace.program, program))
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), rtol=1e-5, atol=1e-6)


def test_replacements_add_up(traces: Traces) -> None:
    trace = traces("mlp")
    inputs = examples.inputs("mlp")
    text = kernel_text(traces).replace("= fadd ", "= fsub ")
    edited = trace.program.with_llvm_ir(KERNEL, text)
    both, _ = trace.recompile("mlp_dispatch_1", flags=["--iree-opt-level=O3"], program=edited)
    (expected,), (result,) = (run(p, "mlp", *inputs).outputs for p in (edited, both))
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), rtol=1e-5, atol=1e-5)


def test_an_executable_of_a_lab_pipeline(traces: Traces) -> None:
    """It is compiled as its steps left it: here with the addition edited into a subtraction."""
    first = compile(EXAMPLES["mlp"], pipeline="lab", until="executable-sources")
    text = first.ir(first.boundaries["executable-sources"], module=True)
    trace = first.resume("executable-sources", text.replace("arith.addf", "arith.subf"))
    program, _ = trace.recompile("mlp_dispatch_0", flags=["--iree-opt-level=O3"])
    x, w1, b1, w2 = inputs = examples.inputs("mlp")
    (result,) = run(program, "mlp", *inputs).outputs
    expected = np.maximum(x @ w1 - b1, 0) @ w2
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-4, atol=1e-4)
    assert program.edited


def test_flags_that_change_the_host_code_are_refused(traces: Traces) -> None:
    with pytest.raises(CompileError, match="number of its workgroups") as caught:
        traces("mlp").recompile("mlp_dispatch_0", flags=["--iree-llvmcpu-disable-distribution"])
    assert caught.value.trace is not None
    with pytest.raises(CompileError, match="--nonsense"):
        traces("mlp").recompile("mlp_dispatch_0", flags=["--nonsense"])
    with pytest.raises(KeyError, match="mlp_dispatch_1"):
        traces("mlp").recompile("mlp_dispatch_7", flags=[])


def test_spirv_of_one_executable_is_replaced() -> None:
    trace = compile(EXAMPLES["mlp"], target="vulkan:ampere")
    program, _ = trace.recompile("mlp_dispatch_0", flags=["--iree-spirv-index-bits=64"])
    before, after = (executables(trace, p)["mlp_dispatch_0"] for p in (trace.program, program))
    assert before.spirv is not None and after.spirv is not None
    assert "Int64" in after.spirv.capabilities and "Int64" not in before.spirv.capabilities
    assert before.layout == after.layout
    (binary,) = [b for b in binaries(program) if KERNEL in b.entry_points]
    assert binary.digest in program.binaries
    same, _ = trace.recompile("mlp_dispatch_0", flags=[])
    assert executables(trace, same)["mlp_dispatch_0"].spirv == before.spirv


def test_assembly_leads_to_the_lines_of_its_linalg(traces: Traces) -> None:
    found = executables(traces("mlp"))
    plain, located = found["mlp_dispatch_0"].cpu, found.located("mlp_dispatch_0")
    cpu = located.cpu
    assert cpu is not None and plain is not None
    assert cpu.mix == plain.mix
    source = located.source.split("\n")

    def lines_of(instruction: str) -> set[str]:
        return {
            source[int(place.rsplit(":", 2)[1]) - 1]
            for text, place in zip(cpu.assembly.lines, cpu.assembly.locations, strict=True)
            if instruction in text and place
        }

    if "vaddps" in str(cpu.assembly):
        assert any("arith.addf" in line for line in lines_of("vaddps"))
        assert all("arith.maximumf" in line for line in lines_of("vmaxps"))
    text = annotated(located.source, cpu)
    assert "arith.maximumf" in text and "linalg.matmul" in text and "# no location" in text
    with pytest.raises(CompileError, match="without its trace"):
        executables(traces("mlp").program).located(KERNEL)


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ireelab", "executables", str(EXAMPLES["mlp"]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command_line() -> None:
    listed = cli()
    assert listed.returncode == 0 and KERNEL in listed.stdout
    shown = cli("--executable", "mlp_dispatch_0", "--show", "source")
    assert shown.returncode == 0 and shown.stdout.startswith("flow.executable private")
    shown = cli("--executable", KERNEL, "--show", "annotated")
    assert shown.returncode == 0 and "linalg.matmul" in shown.stdout
    again = cli("--executable", KERNEL, "--with=--iree-opt-level=O3", "--json", "-")
    assert again.returncode == 0, again.stderr
    (entry,) = json.loads(again.stdout)["entry_points"]
    assert entry["cpu"]["code_bytes"] > 0
    for wrong in (("--executable", "nope"), ("--with=--iree-opt-level=O3",)):
        assert cli(*wrong).returncode == 2
