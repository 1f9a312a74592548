"""The compile path against ``iree-compile`` itself."""

from __future__ import annotations

import collections
import os
import re
import signal
import subprocess
import sysconfig
import threading
from pathlib import Path

import pytest

import ireelab
from ireelab import Trace
from ireelab.errors import (
    CompileError,
    CompileInterrupted,
    CompilerCrashed,
    InvalidIR,
    PassFailed,
    UnknownTarget,
    UnsupportedSource,
)
from ireelab.pipeline.dump import Dump
from ireelab.pipeline.journal import JournalReader
from ireelab.pipeline.targets import target_flags
from tests.pipeline.conftest import TWO_INITIALIZERS

IREE_COMPILE = Path(sysconfig.get_path("scripts")) / "iree-compile"


def passes_printed_by_iree(source: Path) -> collections.Counter[str]:
    """Pass arguments that ``iree-compile`` says it ran, from its own printing."""
    command = [IREE_COMPILE, source.name, *target_flags("llvm-cpu"), "-o", os.devnull]
    command += ["--mlir-print-ir-after-all", "--mlir-print-skip-regions"]
    ran = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, check=True)
    banners = re.findall(r"^// -----// IR Dump After \S+ ([\w-]+)", ran.stderr, re.MULTILINE)
    return collections.Counter(banners)


def test_every_pass_is_a_step(initializers_trace: Trace, tmp_path: Path) -> None:
    source = tmp_path / "initializers.mlir"
    source.write_text(TWO_INITIALIZERS)
    steps = collections.Counter(step.name for step in initializers_trace.steps)
    printed = passes_printed_by_iree(source)
    assert printed.total() > 1000
    assert steps == printed


def test_steps_say_what_and_where(mlp_trace: Trace) -> None:
    assert list(mlp_trace.phases) == [
        "input",
        "abi",
        "global-optimization",
        "dispatch-creation",
        "flow",
        "stream",
        "executable",
        "hal",
        "vm",
    ]
    by_name = {step.name: step for step in mlp_trace.steps}
    assert by_name["iree-abi-wrap-entry-points"].phase == "abi"
    assert by_name["iree-flow-outline-dispatch-regions"].phase == "flow"
    assert by_name["iree-stream-schedule-allocation"].phase == "stream"
    assert by_name["iree-convert-to-llvm"].phase == "executable"
    assert by_name["iree-hal-conversion"].phase == "hal"
    assert by_name["iree-vm-conversion"].phase == "vm"
    lowering = by_name["iree-llvmcpu-lower-executable-target"].scope
    assert [part.split(" @")[0] for part in lowering] == [
        "builtin.module",
        "hal.executable",
        "hal.executable.variant",
        "builtin.module",
        "func.func",
    ]
    assert by_name["iree-convert-to-llvm"].delta["llvm"] != 0
    assert all(step.seconds >= 0 for step in mlp_trace.steps)
    assert sum(step.seconds for step in mlp_trace.steps) > 0


def test_changed_means_the_text_differs(mlp_trace: Trace) -> None:
    changed = 0
    for step in mlp_trace.steps:
        differs = mlp_trace.ir_before(step) != mlp_trace.ir(step)
        assert differs == step.changed, step
        assert step.changed or not step.delta
        changed += step.changed
    assert 100 < changed < len(mlp_trace.steps) / 2


def test_module_state_follows_nested_passes(mlp_trace: Trace) -> None:
    """An adaptor changes nothing itself: what its nested passes left is what it prints."""
    adaptors = [s for s in mlp_trace.steps if s.name == "iree-op-pipeline-adaptor"]
    inner = [s for s in adaptors if s.phase in ("flow", "stream", "vm")]
    assert len(inner) > 20
    for step in inner:
        changed_ops = {op.op for op in mlp_trace.diff(step).ops}
        # The fixed-point iterator writes its round into the module's attributes.
        assert changed_ops <= {"builtin.module"}, step


def test_every_module_can_be_had_live(mlp_trace: Trace) -> None:
    for step in [*mlp_trace.steps[::97], mlp_trace.steps[-1]]:
        module = mlp_trace.module(step)
        assert module.operation.name == "builtin.module"
        assert module.operation.verify()


def test_diff_of_one_and_of_two_steps(mlp_trace: Trace) -> None:
    text = str(mlp_trace.diff("iree-stream-schedule-allocation"))
    assert re.search(r"^\+ .*stream\.resource\.alloca", text, re.MULTILINE)
    assert re.search(r"^- .*stream\.async\.execute", text, re.MULTILINE)
    assert not mlp_trace.diff(5, 5)
    assert mlp_trace.diff(0, -1)


def test_step_lookup_says_what_is_wrong(mlp_trace: Trace) -> None:
    with pytest.raises(KeyError, match="no step runs a pass called 'no-such'"):
        mlp_trace.step("no-such")
    with pytest.raises(KeyError, match="no step 99999"):
        mlp_trace.ir(99999)


def test_until_stops_early() -> None:
    trace = ireelab.compile(ireelab.examples.path("elementwise"), until="flow")
    assert trace.complete
    assert trace.steps[-1].phase == "flow"
    with pytest.raises(CompileError, match="ended after phase 'flow'"):
        _ = trace.program


def test_dialects_are_detected() -> None:
    from ireelab.frontends.source import detect_dialect, resolve

    assert resolve(ireelab.examples.path("transformer")).dialect == "stablehlo"
    assert resolve(ireelab.examples.path("mlp")).dialect == "linalg"
    assert detect_dialect("%0 = torch.aten.relu %a : !torch.vtensor<[2],f32>") == "torch"
    assert detect_dialect("  %0 = tosa.add %a, %b : tensor<2xf32>") == "tosa"
    assert detect_dialect("func.func @f() { return }") == "core"


def test_a_source_that_does_not_parse() -> None:
    with pytest.raises(InvalidIR) as caught:
        ireelab.compile("func.func @f(%a: i32) -> i32 {\n  return %b : i32\n}\n", name="cell.mlir")
    diagnostic = caught.value.diagnostics[0]
    assert (diagnostic.file, diagnostic.line, diagnostic.column) == ("cell.mlir", 2, 10)
    assert diagnostic.source_line == "  return %b : i32"
    assert caught.value.trace is not None
    assert not caught.value.trace.complete


def test_a_source_that_does_not_verify_carries_notes() -> None:
    source = "func.func @f(%a: tensor<4xf32>) -> tensor<5xf32> {\n  return %a : tensor<4xf32>\n}\n"
    with pytest.raises(InvalidIR, match="doesn't match function result type") as caught:
        ireelab.compile(source)
    assert caught.value.diagnostics[0].notes


def test_a_pass_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = (
        "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
        '  %0 = stablehlo.custom_call @nobody(%a) {backend_config = ""}'
        " : (tensor<4xf32>) -> tensor<4xf32>\n"
        "  return %0 : tensor<4xf32>\n}\n"
    )
    with pytest.raises(PassFailed, match="failed to legalize") as caught:
        ireelab.compile(source, name="cell.mlir")
    error = caught.value
    assert error.step is not None
    assert error.step.startswith("iree-stablehlo")
    assert error.diagnostics[0].line == 2
    assert error.trace is not None
    assert error.trace.ir(0)


def test_a_crash_of_the_compiler_leaves_this_process_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    crashing = (
        "func.func @f(%a: tensor<?xf32>) -> tensor<?xf32> {\n"
        '  %0 = "no_dialect.op"(%a) : (tensor<?xf32>) -> tensor<?xf32>\n'
        "  return %0 : tensor<?xf32>\n}\n"
    )
    with pytest.raises(CompilerCrashed, match="SIG") as caught:
        ireelab.compile(crashing)
    error = caught.value
    assert error.step == "iree-dispatch-creation-form-dispatch-regions"
    assert "on util.func @_f " in str(error)
    assert error.trace is not None
    assert len(error.trace.steps) > 100
    assert error.trace.steps[-1].phase == "dispatch-creation"
    assert ireelab.compile(ireelab.examples.path("elementwise")).complete


def test_the_worker_comes_back_when_it_was_killed() -> None:
    from ireelab.pipeline.client import WORKER

    ireelab.compile(ireelab.examples.path("elementwise"), until="abi")
    process = WORKER._process  # pyright: ignore[reportPrivateUsage]
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert ireelab.compile(ireelab.examples.path("elementwise"), until="abi").complete


def test_an_interrupt_keeps_the_partial_trace() -> None:
    seen: list[int] = []

    def interrupt_after_sixty(count: int, _name: str) -> None:
        seen.append(count)
        if count > 60 and len(seen) < 1000:
            seen.extend([0] * 1000)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(CompileInterrupted) as caught:
        ireelab.compile(ireelab.examples.path("transformer"), progress=interrupt_after_sixty)
    assert isinstance(caught.value, KeyboardInterrupt)
    trace = caught.value.trace
    assert trace is not None
    assert not trace.complete
    assert len(trace.steps) >= 50
    assert trace.ir(0)


def test_an_interrupt_while_a_record_is_read_keeps_the_partial_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = JournalReader._after  # pyright: ignore[reportPrivateUsage]
    seen: list[int] = []

    def interrupted_at_sixty(reader: JournalReader, *record: int) -> Dump:
        seen.append(1)
        dump = read(reader, *record)
        if len(seen) == 60:
            os.kill(os.getpid(), signal.SIGINT)
        return dump

    monkeypatch.setattr(JournalReader, "_after", interrupted_at_sixty)
    with pytest.raises(CompileInterrupted) as caught:
        ireelab.compile(ireelab.examples.path("transformer"))
    assert caught.value.trace is not None
    assert len(caught.value.trace.steps) >= 50
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_stops_a_compilation_and_a_resumed_one() -> None:
    stop = threading.Event()
    with pytest.raises(CompileInterrupted) as caught:
        ireelab.compile(
            ireelab.examples.path("mlp"),
            stop=stop,
            progress=lambda count, _name: stop.set() if count > 20 else None,
        )
    partial = caught.value.trace
    assert partial is not None
    assert not partial.complete
    assert partial.steps
    with pytest.raises(CompileInterrupted, match="stopped"):
        partial.resume("input", stop=stop)  # still set


def test_compilations_may_run_side_by_side() -> None:
    names = ["mlp", "elementwise", "counter", "dynamic"]
    programs: dict[str, bytes] = {}

    def one(name: str) -> None:
        programs[name] = ireelab.compile(ireelab.examples.path(name)).program.to_bytes()

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names[:2]:
        alone = ireelab.compile(ireelab.examples.path(name)).program.to_bytes()
        assert programs[name] == alone


def test_requests_that_make_no_sense() -> None:
    source = ireelab.examples.path("elementwise")
    with pytest.raises(UnknownTarget, match="did you mean 'llvm-cpu'"):
        ireelab.compile(source, target="llvmcpu")
    with pytest.raises(CompileError, match="unknown phase"):
        ireelab.compile(source, until="later")
    with pytest.raises(CompileError, match="unknown pipeline"):
        ireelab.compile(source, pipeline="downstream")
    with pytest.raises(CompileError, match="--no-such-flag"):
        ireelab.compile(source, flags=["--no-such-flag"])
    with pytest.raises(UnsupportedSource, match="cannot read"):
        ireelab.compile(Path("/no/such/file.mlir"))
    with pytest.raises(UnsupportedSource, match="cannot compile a int"):
        ireelab.compile(42)
    with pytest.raises(UnsupportedSource, match="empty"):
        ireelab.compile("  \n")


def test_user_flags_win_over_the_target() -> None:
    assert target_flags("llvm-cpu", ("--iree-llvmcpu-target-cpu=generic",)) == (
        "--iree-hal-target-device=local",
        "--iree-hal-local-target-device-backends=llvm-cpu",
    )


def test_nothing_is_left_behind() -> None:
    def folders() -> set[Path]:
        roots = [Path("/dev/shm"), Path(os.environ.get("TMPDIR", "/tmp"))]
        mine = f"ireelab-job-{os.getpid()}-*"  # Others may compile meanwhile.
        return {f for root in roots if root.is_dir() for f in root.glob(mine)}

    ireelab.compile(ireelab.examples.path("elementwise"), until="abi")
    before = folders()
    ireelab.compile(ireelab.examples.path("elementwise"), until="abi")
    with pytest.raises(InvalidIR):
        ireelab.compile("not mlir\n")
    assert folders() == before == set()


def test_without_the_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from ireelab.pipeline import compiler_ffi
    from ireelab.pipeline.client import Worker

    def nothing_found(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(compiler_ffi.importlib.util, "find_spec", nothing_found)
    with pytest.raises(CompileError, match="pip install 'iree-base-compiler"):
        Worker().submit([], cwd=Path(), stdout=Path(), stderr=Path(), journal=Path())
