"""The debugger and the record of a call, against calling the same program."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import ireelab as il
from ireelab.cli.debug import DebugShell
from ireelab.errors import InvalidInput, UnknownFunction
from ireelab.vm.execution import record_execution

X = np.arange(64 * 8, dtype=np.float32).reshape(8, 64) / 100
W = np.ones((64, 32), np.float32)
B = np.full(32, 0.5, np.float32)


@pytest.fixture(scope="module")
def program(cpu_program: Callable[..., Path]) -> il.Program:
    return il.load(cpu_program("mix.mlir"))


@pytest.fixture
def program_lines(program: il.Program) -> list[int]:
    """Lines of the source that instructions of the program come from."""
    listing = il.vm_listing(program)
    places = {i.location for f in listing.functions for i in f.instructions}
    return sorted({int(place.split(":")[-2]) for place in places if ":" in place} - {0})


def test_stepping_to_the_end_gives_what_calling_gives(program: il.Program) -> None:
    expected = il.run(program, "mlp", X, W, B).outputs
    with il.debug(program, "mlp", X, W, B) as call:
        assert call.registers["r0"] == "!hal.buffer_view 8x64xf32"
        first = call.stepper.pc
        assert call.step() is call and call.stepper.pc > first
        while not call.finished:
            call.step_over()
        np.testing.assert_array_equal(call.result()[0], expected[0])
        assert str(call) == "@mlp returned !hal.buffer_view 8x32xf32"
        assert call.registers == {} and call.backtrace == () and call.location == ""


def test_breakpoints_stop_where_they_are(program: il.Program, program_lines: list[int]) -> None:
    with il.debug(program, "mlp", X, W, B) as call:
        submit = next(
            i.pc
            for f in il.vm_listing(program).functions
            if f.name == "mlp"
            for i in f.instructions
            if "queue.execute" in i.import_name
        )
        call.break_at(function="mlp", pc=submit)
        call.resume()
        assert (call.stepper.function, call.stepper.pc) == ("mlp", submit)
        assert f"=> {submit:04x}" in str(call)
        call.clear_breakpoints()
        assert call.resume().finished
    for line in program_lines:
        with il.debug(program, "mlp", X, W, B) as call:
            call.break_at(line=line)
            call.resume()
            assert call.finished or call.line == line
    with il.debug(program, "mlp", X, W, B) as call:
        with pytest.raises(InvalidInput, match="no instruction comes from line 99999"):
            call.break_at(line=99999)
        with pytest.raises(InvalidInput, match="no function 'nobody'"):
            call.break_at(function="nobody")
        with pytest.raises(InvalidInput, match="begins at byte 0x3e7"):
            call.break_at(pc=999)
    with pytest.raises(UnknownFunction):
        il.debug(program, "nobody")


def test_a_record_holds_every_change(program: il.Program) -> None:
    """Replaying the record gives the registers that the stepper has at each instruction."""
    with il.Context(program) as context:
        record = record_execution(context, "mlp", X, W, B)
    assert record.end == "returned" and record.results == ("!hal.buffer_view 8x32xf32",)
    frames: dict[int, dict[str, str]] = {}
    with il.debug(program, "mlp", X, W, B) as call:
        for moment in record.moments:
            frames = {d: held for d, held in frames.items() if d <= moment.depth}
            frames.setdefault(moment.depth, {}).update(moment.changed)
            assert call.stepper.pc == moment.pc
            names = {name: text for name, text in call.registers.items() if "command_b" not in text}
            assert names.items() <= frames[moment.depth].items()
            call.step()
        assert call.finished


def test_a_record_has_an_end(program: il.Program) -> None:
    with il.Context(program) as context:
        record = record_execution(context, "mlp", X, W, B, most=3)
    assert (len(record.moments), record.end, record.results) == (3, "stopped", ())


def test_commands_of_the_terminal(program: il.Program) -> None:
    script = "step 2\nr r0\nn\nbogus\ns x\nb 99999\nglobals\nw\nlist 1\nfinish\nw\nq\nr r0\n"
    out, err = io.StringIO(), io.StringIO()
    with il.debug(program, "mlp", X, W, B) as call, redirect_stdout(out), redirect_stderr(err):
        shell = DebugShell(call, io.StringIO(script))
        shell.cmdloop()
        assert call.finished
    text = out.getvalue()
    assert "%r0 = !hal.buffer_view 8x64xf32" in text
    assert "!hal.device llvm-cpu" in text and "@mlp+0x" in text
    assert text.count("%r0 =") == 1, "nothing runs after q"
    assert "@mlp returned !hal.buffer_view 8x32xf32" in text
    for complaint in ("unknown command 'bogus'", "not a number in 's", "no instruction comes"):
        assert complaint in err.getvalue()
    assert shell.exit_code == 1
