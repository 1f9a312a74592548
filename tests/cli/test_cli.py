"""The ``ireelab`` command: what it prints, where, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ireelab import examples
from ireelab.cli import main

SQUARE = """func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
TWO = (
    SQUARE
    + """func.func @scalar(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  return %0 : i32
}
"""
)
BROKEN = SQUARE.replace("%x, %x", "%x, %nowhere")
CHECKS = """func.func @holds() {
  %0 = util.unfoldable_constant dense<[1, 2]> : tensor<2xi32>
  check.expect_eq_const(%0, dense<[1, 2]> : tensor<2xi32>) : tensor<2xi32>
  return
}
"""
CHECK_FAILS = CHECKS + CHECKS.replace("@holds", "@fails").replace(
    "(%0, dense<[1, 2]>", "(%0, dense<[1, 3]>"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def vmfb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``TWO``, compiled by iree-compile itself."""
    home = tmp_path_factory.mktemp("vmfb")
    (home / "two.mlir").write_text(TWO)
    subprocess.run(
        [Path(sys.executable).parent / "iree-compile", "--iree-hal-target-device=local",
         "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host",
         home / "two.mlir", "-o", home / "two.vmfb"],
        check=True,
    )  # fmt: skip
    return home / "two.vmfb"


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


# --- run -----------------------------------------------------------------------------


def test_run_prints_as_iree_run_module_does(vmfb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--function=square", "--input=4xf32=1 2 3 4.5"]
    assert run("run", vmfb, *options) == 0
    peer = subprocess.run(
        [Path(sys.executable).parent / "iree-run-module", f"--module={vmfb}", *options],
        check=True,
        capture_output=True,
        text=True,
    )
    assert capsys.readouterr().out == peer.stdout


def test_run_of_a_source_compiles_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("square.mlir").write_text(SQUARE)
    np.save("x.npy", np.array([1, 2, 3, 4], np.float32))
    assert run("run", "square.mlir", "--input=@x.npy") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4xf32=1 4 9 16"


def test_run_scalars(vmfb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", vmfb, "--function=scalar", "--input=21") == 0
    assert capsys.readouterr().out == "EXEC @scalar\nresult[0]: i32=42\n"


PARAMETER = """util.global private @w = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
func.func @scale(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = util.global.load @w : tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def test_parameters_of_run_and_explore(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("scale.mlir").write_text(PARAMETER)
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    weights = np.arange(4, dtype=np.float32).tobytes()
    Path("w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + weights)
    given = ("scale.mlir", "--input=4xf32=2", "--parameters=model=w.safetensors")
    assert run("run", *given) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4xf32=0 2 4 6"
    assert run("explore", *given, "--run", "--json=-") == 0
    assert json.loads(capsys.readouterr().out)["run"]["outputs"][0]["values"] == [0, 2, 4, 6]
    assert run("run", *given[:2]) == 1
    assert "--parameters=SCOPE=FILE" in capsys.readouterr().err


def test_run_json(vmfb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", vmfb, "--function=square", "--input=4xf32=2", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == 1
    assert record["outputs"] == [{"dtype": "f32", "shape": [4], "values": [4.0] * 4}]


def test_run_timelines(vmfb: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["run", vmfb, "--function=square", "--input=4xf32=2"]
    assert run(*call, "--timeline=t.json") == 0
    events = json.loads(Path("t.json").read_text())["traceEvents"]
    assert any("square" in event["name"] for event in events)
    assert run(*call, "--timeline", "t.csv") == 0
    with Path("t.csv").open() as file:
        assert "dispatch" in {row["kind"] for row in csv.DictReader(file)}
    capsys.readouterr()
    assert run(*call, "--timeline=-") == 0
    assert "square_dispatch_0" in capsys.readouterr().out


def test_run_repeat_says_the_time_of_a_call(vmfb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", vmfb, "--function=square", "--input=4xf32=2", "--repeat=3") == 0
    assert "3 calls" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere.vmfb"], "no such file: nowhere.vmfb"),
        (["."], "is a folder"),
        (["{vmfb}"], "square, scalar"),
        (["{vmfb}", "--function=sqare"], "did you mean 'square'?"),
        (["{vmfb}", "--function=square"], "input"),
        (["{vmfb}", "--function=square", "--input=3xf32=1"], "3"),
        (["{vmfb}", "--function=square", "--input=4xf32=1 2"], "gives 2 values"),
        (["{vmfb}", "--function=square", "--input=foo"], "write 8x64xf32=1"),
        (
            ["{vmfb}", "--function=square", "--flag=--x"],
            "already compiled: --flag needs the source",
        ),
        (["{vmfb}", "--parameters=none.irpa"], "no such file: none.irpa"),
        (["{vmfb}", "--function=square", "--input=4xf32=1", "--device=tpu"], "no driver 'tpu'"),
        (["{vmfb}", "--function=square", "--input=4xf32=1", "--device=vulkan:99"], "Vulkan"),
        (["{vmfb}", "--function=square", "--input=4xf32=1", "--timeline=t.txt"], ".json or .csv"),
    ],
)
def test_run_usage_errors_are_one_line_and_exit_2(
    options: list[str], said: str, vmfb: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", *(option.format(vmfb=vmfb) for option in options)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_corrupt_program_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.vmfb").write_bytes(b"not a program")
    assert run("run", "bad.vmfb") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "bad.vmfb: truncated program" in line


@pytest.mark.parametrize("command", ["ir", "passes", "resume", "simulate"])
def test_what_is_no_mlir_is_not_parsed(
    command: str, vmfb: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.mlir").write_text("// nothing\n")
    assert run(command, vmfb) == 2
    assert run(command, "empty.mlir") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "two.vmfb is not MLIR: a compiled program" in first
    assert "empty.mlir is empty" in second


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resume", "square.mlir", "--after", "flow", "--ir", "bytes"], "bytes is not a text file"),
        (["run", "square.mlir", "--llvm-ir", "k=bytes"], "bytes is not a text file"),
        (["resume", "square.mlir", "--after", "nowhere"], "no boundary 'nowhere'"),
        (["ir", "square.mlir", "--until", "nowhere"], "unknown phase 'nowhere'"),
        (["ir", "square.mlir", "--pipeline=lab", "--until", "nowhere"], "no step 'nowhere'"),
        (["notebook", "square.mlir"], "square.mlir is no notebook"),
    ],
)
def test_more_usage_errors(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("square.mlir").write_text(SQUARE)
    Path("bytes").write_bytes(b"\xff\xfe")
    assert run(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_the_debugger_lists_commands_only(
    vmfb: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("help\n"))
    assert run("debug", vmfb, "--function=square") == 0
    shown = capsys.readouterr().out
    assert "registers" in shown
    assert "EOF" not in shown


def test_an_unknown_option_shows_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("devices", "--nope")
    assert ended.value.code == 2
    assert "usage: ireelab devices [-h] [--json]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [(">/dev/full", 1, "ireelab: cannot write the output: No space left on device\n"),
     (">&-", 0, "")],
)  # fmt: skip
def test_output_that_nobody_takes(to: str, code: int, said: str) -> None:
    command = f"'{sys.executable}' -m ireelab passes --pipeline lab {to}"
    ended = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (code, said)


def test_a_broken_source_shows_the_line_and_a_caret(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.mlir").write_text(BROKEN)
    assert run("run", "broken.mlir") == 1
    lines = capsys.readouterr().err.splitlines()
    assert "broken.mlir:2:" in lines[0]
    assert "undeclared SSA value" in lines[0]
    assert lines[2].index("^") == lines[1].index("%nowhere")


# --- several devices -----------------------------------------------------------------

SPLIT = """func.func @split(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = arith.addf %x, %x : tensor<4xf32>
  %b = flow.tensor.transfer %a : tensor<4xf32> to #hal.device.promise<@second>
  %c = arith.mulf %b, %b : tensor<4xf32>
  %d = flow.tensor.transfer %c : tensor<4xf32> to #hal.device.promise<@first>
  return %d : tensor<4xf32>
}
func.func @holds() {
  %x = util.unfoldable_constant dense<2.0> : tensor<4xf32>
  %b = flow.tensor.transfer %x : tensor<4xf32> to #hal.device.promise<@second>
  %c = arith.mulf %b, %b : tensor<4xf32>
  %d = flow.tensor.transfer %c : tensor<4xf32> to #hal.device.promise<@first>
  check.expect_eq_const(%d, dense<4.0> : tensor<4xf32>) : tensor<4xf32>
  return
}
"""
TARGETS = ("--target=first=llvm-cpu", "--target=second=llvm-cpu")
DEVICES = ("--device=llvm-cpu", "--device=llvm-cpu:threads=1")


def test_run_on_several_devices(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "split.mlir").write_text(SPLIT)
    assert run("run", "split.mlir", "--function=split", "--input=4xf32=3", "--timeline=-",
               *TARGETS, *DEVICES) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "4xf32=36 36 36 36" in out
    assert "llvm-cpu:0 queue 0" in out
    assert "llvm-cpu:1 queue 0" in out
    assert run("check", "split.mlir", *TARGETS, "--device=llvm-cpu,llvm-cpu") == 0
    assert "PASS holds" in capsys.readouterr().out


def test_several_devices_need_targets_and_targets_devices(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "split.mlir").write_text(SPLIT)
    assert run("run", "split.mlir", "--function=split", "--input=4xf32=3", *DEVICES) == 2
    assert "--target a=llvm-cpu --target b=llvm-cpu" in capsys.readouterr().err
    assert run("run", "split.mlir", "--function=split", "--input=4xf32=3", *TARGETS) == 1
    err = capsys.readouterr().err
    assert "uses 2 devices at once: first (llvm-cpu), second (llvm-cpu)" in err
    assert "--device llvm-cpu --device llvm-cpu" in err


# --- check ---------------------------------------------------------------------------


def test_check_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ok.mlir").write_text(CHECKS)
    assert run("check", "ok.mlir") == 0
    shown = capsys.readouterr().out
    assert "PASS holds" in shown
    assert "1 passed, 0 failed" in shown


def test_check_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mlir").write_text(CHECK_FAILS)
    assert run("check", "bad.mlir") == 1
    shown = capsys.readouterr().out
    assert "PASS holds" in shown
    assert "FAIL fails" in shown
    assert "1 passed, 1 failed" in shown


def test_check_of_nothing_is_wrong_usage(vmfb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", vmfb) == 2
    assert "no function without arguments" in capsys.readouterr().err


# --- explore -------------------------------------------------------------------------


def test_explore_writes_a_page_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("square.mlir").write_text(SQUARE)
    options = ["--run", "--input=4xf32=3", "--html=page.html", "--json=page.json"]
    assert run("explore", "square.mlir", *options) == 0
    page = Path("page.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    record = json.loads(Path("page.json").read_text())
    assert record["schema"] == 1
    assert record["state"] == "ready"
    assert {"name", "phase", "changed", "seconds"} <= record["steps"][0].keys()
    assert record["run"]["outputs"][0]["values"] == [9.0] * 4
    event = next(e for e in record["run"]["timeline"] if e["kind"] == "dispatch")
    assert event["end_ns"] >= event["start_ns"]
    assert "stream" in capsys.readouterr().out  # the phases


def test_explore_names_the_page_after_the_source(folder: Path) -> None:
    Path("square.mlir").write_text(SQUARE)
    assert run("explore", "square.mlir") == 0
    assert Path("square.html").is_file()


def test_explore_json_to_stdout_is_only_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("square.mlir").write_text(SQUARE)
    assert run("explore", "square.mlir", "--json=-") == 0
    assert json.loads(capsys.readouterr().out)["run"] is None
    assert not Path("square.html").exists()


def test_explore_of_a_failing_source_is_still_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("fails.mlir").write_text(
        "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
        "  %0 = stablehlo.custom_call @nobody(%x) : (tensor<4xf32>) -> tensor<4xf32>\n"
        "  return %0 : tensor<4xf32>\n}\n"
    )
    assert run("explore", "fails.mlir", "--html=page.html", "--json=page.json") == 1
    record = json.loads(Path("page.json").read_text())
    assert record["state"] == "failed"
    assert record["error"]["diagnostics"][0]["line"] == 2
    assert record["steps"]
    assert Path("page.html").is_file()
    assert "fails.mlir:2:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [["--flag=--iree-opt-level=O3"], ["--flag", "--iree-opt-level=O3"]]
)
def test_flags_reach_the_compiler(
    flags: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("square.mlir").write_text(SQUARE)
    assert run("explore", "square.mlir", "--json=-", *flags) == 0
    assert json.loads(capsys.readouterr().out)["flags"] == ["--iree-opt-level=O3"]


def test_a_refused_flag_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("square.mlir").write_text(SQUARE)
    assert run("run", "square.mlir", "--flag=--no-such-flag") == 1
    assert "no-such-flag" in capsys.readouterr().err


def test_explore_unknown_target(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("square.mlir").write_text(SQUARE)
    assert run("explore", "square.mlir", "--target=llvm-cpuu") == 2
    assert "did you mean 'llvm-cpu'?" in capsys.readouterr().err


# --- the others ----------------------------------------------------------------------


def test_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("passes", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    layout = next(step for step in listed if step["name"] == "iree-stream-layout-slices")
    assert layout["phase"] == "stream"
    assert "slices" in layout["description"]
    described = sum(bool(step["description"]) for step in listed)
    assert described > 0.9 * len(listed)


def test_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("devices") == 0
    shown = capsys.readouterr().out
    assert "llvm-cpu" in shown
    assert "vulkan" in shown  # with the device's name, or why there is none
    assert run("devices", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {device["driver"] for device in listed} >= {"llvm-cpu", "null", "vulkan"}


def test_notebook_needs_an_existing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("notebook", "nowhere.ipynb") == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explore", "run", "check", "passes", "devices", "notebook"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"ireelab {command}" in capsys.readouterr().out


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


# --- as a process --------------------------------------------------------------------


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ireelab", *map(str, arguments)]


def test_as_a_process(vmfb: Path) -> None:
    ran = subprocess.run(
        command("run", vmfb, "--function=scalar", "--input=4"), capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (
        0,
        "EXEC @scalar\nresult[0]: i32=8\n",
        "",
    )


def test_a_reader_that_leaves_early_is_no_error() -> None:
    process = subprocess.Popen(
        command("passes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in said
    assert said == ""


def test_control_c_says_how_far_it_came(folder: Path) -> None:
    """Under a terminal: progress is shown, and Ctrl-C ends with 130 and the partial trace."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("explore", _slow_source(folder)), stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    shown = b""
    while not re.search(rb": \d{3,} ", shown):  # a hundred passes and more have run
        more = _read(ours)
        assert more, f"ended too early: {shown.decode()[-400:]}"
        shown += more
    process.send_signal(signal.SIGINT)
    shown += _rest(ours)
    assert process.wait(timeout=60) == 130
    text = shown.decode()
    assert "compiling" in text
    assert "interrupted after" in text
    assert "Traceback" not in text


def _slow_source(folder: Path) -> Path:
    """A program that compiles for several seconds: many dispatches that cannot be merged."""
    size = 60
    lines = [f"func.func @slow(%x0: tensor<{size}x{size}xf32>) -> tensor<{size}x{size}xf32> {{"]
    kind = f"tensor<{size}x{size}xf32>"
    for i in range(40):
        lines.append(f"  %e{i} = tensor.empty() : tensor<{size + i}x{size}xf32>")
        lines.append(f"  %z{i} = arith.constant {i}.5 : f32")
        lines.append(f"  %f{i} = linalg.fill ins(%z{i} : f32) outs(%x{i} : {kind}) -> {kind}")
        lines.append(
            f"  %x{i + 1} = linalg.matmul ins(%x{i}, %x{i} : {kind}, {kind}) "
            f"outs(%f{i} : {kind}) -> {kind}"
        )
    lines.append(f"  return %x40 : {kind}\n}}")
    path = folder / "slow.mlir"
    path.write_text("\n".join(lines))
    return path


def _rest(descriptor: int) -> bytes:
    """Everything that is still written until the other side closes."""
    read = b""
    while more := _read(descriptor):
        read += more
    return read


def _read(descriptor: int) -> bytes:
    """Some bytes; none once the other side has closed."""
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says EIO when the last writer of a terminal has gone
        return b""


def test_the_console_script_is_installed() -> None:
    script = shutil.which("ireelab", path=Path(sys.executable).parent)
    if script is None:
        pytest.skip("ireelab itself is not installed in this environment")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("ireelab ")


def test_what_runs_on_vulkan_is_compiled_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    from ireelab.errors import DeviceUnavailable
    from ireelab.hal.registry import create_device

    try:
        create_device("vulkan").close()
    except DeviceUnavailable as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    source = str(examples.path("elementwise"))
    assert run("run", source, "--device=vulkan", "--input=16xf32=3") == 0
    assert "16xf32=9 9 9" in capsys.readouterr().out
