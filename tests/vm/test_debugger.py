"""The debugger and the record of a call, against calling the same program."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import ireelab as il
from ireelab.cli.debug import DebugShell
from ireelab.errors import DeviceError, InvalidInput, UnknownFunction
from ireelab.hal.buffer import Buffer
from ireelab.hal.semaphore import Fence, Semaphore
from ireelab.vm.breakpoints import parse_place
from ireelab.vm.debug_state import state_record
from ireelab.vm.debugger import Debugger
from ireelab.vm.execution import record_execution
from ireelab.vm.value_facts import contents, has_contents

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
        call.break_at(f"@mlp {submit:#x}")
        call.resume()
        assert (call.stepper.function, call.stepper.pc) == ("mlp", submit)
        assert f"=> {submit:04x}" in str(call)
        call.clear_breakpoints()
        assert call.resume().finished
    for line in program_lines:
        with il.debug(program, "mlp", X, W, B) as call:
            call.break_at(str(line))
            call.resume()
            assert call.finished or call.line == line
    with il.debug(program, "mlp", X, W, B) as call:
        with pytest.raises(InvalidInput, match="no instruction comes from line 99999"):
            call.break_at("99999")
        with pytest.raises(InvalidInput, match="no function 'nobody'"):
            call.break_at("@nobody")
        with pytest.raises(InvalidInput, match="begins at byte 0x3e7"):
            call.break_at("0x3e7")
    with pytest.raises(UnknownFunction):
        il.debug(program, "nobody")


def test_places_are_written_as_they_print() -> None:
    written = ("8", "@main", "@main 0x48", "0x48", "hal.fence.await")
    assert [str(parse_place(text)) for text in written] == list(written)
    assert parse_place("@main+72") == parse_place("@main 0x48")
    for wrong in ("", "main", "@main zero", "8 9", "hal.fence.await 3"):
        with pytest.raises(InvalidInput):
            parse_place(wrong)


def test_a_stop_shows_what_has_changed_and_what_references_are(program: il.Program) -> None:
    with il.debug(program, "mlp", X, W, B) as call:
        made = call.break_at("hal.buffer_view.create")
        with pytest.raises(InvalidInput, match=r"does not call 'hal.nothing'; it calls: .*hal"):
            call.break_at("hal.nothing")
        call.resume()
        state = state_record(call)
        assert state["why"] == "breakpoint hal.buffer_view.create"
        (shown,) = state["breakpoints"]
        at = f"{call.stepper.frame.function.ordinal}:{call.stepper.pc}"
        assert shown["text"] == str(made) and at in shown["ids"]
        held = {one["name"]: one for one in state["frames"][-1]["registers"]}
        assert held.keys() == call.registers.keys()
        assert {one["type"] for one in held.values()} == {"i32", "i64", "ref"}
        call.step()
        state = state_record(call)
        changed = [one for one in state["frames"][-1]["registers"] if one["changed"]]
        (view,) = changed  # the view that was made, and nothing else
        assert view["text"] == "!hal.buffer_view 8x32xf32" and view["readable"]
        assert dict(map(tuple, view["facts"]))["shape"] == "8x32"
        value = call.stepper.registers[view["name"]]
        read = contents(value, offset=128, count=64)
        assert (read.type, read.count, read.offset) == ("f32", 8 * 32, 128)
        call.resume()
        expected = call.result()[0].ravel()[128:192]
        np.testing.assert_allclose([float(text) for text in read.texts], expected, rtol=1e-5)
        np.testing.assert_array_equal(
            [int(text) for text in contents(value, "i32", 128, 64).texts],
            expected.view(np.int32),
        )


@pytest.fixture
def fenced(cpu_program: Callable[..., Path]) -> il.Program:
    """Functions that return before their work has ended: it waits for a fence, and signals one."""
    return il.load(cpu_program("mix.mlir", "--iree-execution-model=async-external"))


def hold(call: Debugger) -> Fence:
    """A pending fence in place of the null one that the function is to wait for."""
    assert call.stepper.function == "mlp" and call.registers["r3"] == "null"
    fence = call.stepper.frame.registers["r3"] = Fence(((Semaphore(), 1),))
    return fence


def notes(call: Debugger) -> dict[str, str]:
    """What is said of the contents of each register that has some."""
    held = {f"%{name}": value for name, value in call.stepper.registers.items()}
    return {name: call.contents(name).note for name, value in held.items() if has_contents(value)}


def test_what_pending_work_computes_is_not_shown_before(fenced: il.Program) -> None:
    """Neither what a buffer happens to hold, nor that of a view of it that was returned."""
    with il.debug(fenced, "mlp", X, W, B) as call:
        before = hold(call)
        assert call.contents("%r0").note == ""
        call.run_to("hal.device.queue.execute.indirect")
        (target,) = (name for name, note in notes(call).items() if note)
        read = call.contents(target)
        assert (read.count, read.texts) == (8 * 32, ())
        assert read.note == "not computed yet: nothing that writes it was submitted"
        call.step()
        read = call.contents(target)
        assert read.texts == () and "the work ends with !hal.fence pending" in read.note
        # What was there before may be written too: a dispatch does not say that it only reads.
        used = [name for name, note in notes(call).items() if note.startswith("may change")]
        assert used and all(call.contents(name).texts for name in used)

        assert call.resume().why == "returned" and "not computed yet" in str(call)
        assert call.contents("result 0").texts == ()
        before.signal()
        read = call.contents("result 0")
        assert read.note == "" and str(call) == "@mlp returned !hal.buffer_view 8x32xf32"
        expected = np.maximum(X @ W + B, 0).ravel()[: len(read.texts)]
        np.testing.assert_allclose([float(text) for text in read.texts], expected, rtol=1e-5)


def test_work_that_failed_leaves_nothing_to_see(fenced: il.Program) -> None:
    with il.debug(fenced, "mlp", X, W, B) as call:
        before = hold(call)
        call.resume()
        before.fail(DeviceError("no power"))
        read = call.contents("result 0")
        assert read.texts == () and "not computed: its work failed: no power" in read.note
        with pytest.raises(DeviceError, match="no power"):
            call.result()


def test_the_terminal_prints_contents_once_they_are_computed(fenced: il.Program) -> None:
    out, err = io.StringIO(), io.StringIO()
    with il.debug(fenced, "mlp", X, W, B) as call, redirect_stdout(out), redirect_stderr(err):
        before = hold(call)
        script = "print %r0 f32 510\np r0 i8\nc\np result 0\np ?\np %r9\n"
        shell = DebugShell(call, io.StringIO(script))
        shell.cmdloop()
        before.signal()
        shell.onecmd("print result 0 f32 254")
        expected = call.result()[0].ravel()[254:]
    text = out.getvalue()
    assert "2 of 512 from 510 f32: 5.1 5.11\n" in text and "128 of 2,048 from 0 i8: 0 0" in text
    assert "\nnot computed yet: the work ends with !hal.fence pending" in text
    assert text.endswith(f"2 of 256 from 254 f32: {expected[0]:.6g} {expected[1]:.6g}\n")
    assert "cannot read '?'" in err.getvalue() and "there is no '%r9' here" in err.getvalue()


def test_what_cannot_be_read_is_said(program: il.Program) -> None:
    with il.debug(program, "mlp", X, W, B) as call:
        call.run_to("hal.buffer_view.create")
        registers = call.stepper.registers.values()
        buffer = next(value for value in registers if isinstance(value, Buffer))
        assert contents(buffer).count == buffer.length_bytes // 4
        buffer.close()  # as hal.device.queue.dealloca does
        with pytest.raises(DeviceError, match="was deallocated"):
            contents(buffer)
        with pytest.raises(InvalidInput, match="null holds no bytes"):
            contents(None)


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
    script = (
        "step 2\nr r0\nn\nbogus\ns x\nb 99999\nglobals\nw\nlist 1\nb hal.fence.create\nfinish\nb\n"
        "finish\nw\nrestart\nc\nq\nr r0\n"
    )
    out, err = io.StringIO(), io.StringIO()
    with il.debug(program, "mlp", X, W, B) as call, redirect_stdout(out), redirect_stderr(err):
        shell = DebugShell(call, io.StringIO(script))
        shell.cmdloop()
        assert call.finished
    text = out.getvalue()
    assert "%r0 = !hal.buffer_view 8x64xf32" in text
    assert "!hal.device llvm-cpu" in text and "@mlp+0x" in text
    assert "vm.call @hal.fence.create" in text
    assert text.count("%r0 = !hal.buffer_view 8x64xf32") == 2, "nothing runs after q"
    assert "@mlp returned !hal.buffer_view 8x32xf32" in text
    for complaint in ("unknown command 'bogus'", "not a number in 's", "no instruction comes"):
        assert complaint in err.getvalue()
    assert shell.exit_code == 1


class _Interrupting(io.StringIO):
    """Commands; Ctrl-C comes while the first one runs."""

    def readline(self, size: int | None = -1, /) -> str:
        line = super().readline(size)
        if line == "continue\n":
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        return line


def test_ctrl_c_in_the_terminal_stops_a_long_continue(calls: Path) -> None:
    out = io.StringIO()
    with il.debug(il.load(calls), "fibonacci", 60, device="null") as call, redirect_stdout(out):
        shell = DebugShell(call, _Interrupting("continue\nstep\nquit\n"))
        shell.cmdloop()
        assert call.why == "stepped" and not call.finished  # "step" works again
    assert out.getvalue().count("=>") == 2
    assert shell.exit_code == 0
