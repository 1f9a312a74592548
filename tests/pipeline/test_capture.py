"""The compiler's journal, and the files that MLIR writes where there is none."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import ireelab
from ireelab import Trace
from ireelab.pipeline.assemble import Assembly, assemble
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.compiler_ffi import library_path
from ireelab.pipeline.dump import Dump
from ireelab.pipeline.elf import find_symbols
from ireelab.pipeline.journal import AFTER, BEGIN, FRAME, INITIAL, LEAF, WRITTEN, record
from ireelab.pipeline.upstream import JobFolder, arguments, compile_flags

WITHOUT_HOOKS = """
import json, sys
from ireelab.pipeline import instrumentation_ffi, worker
instrumentation_ffi.hooks = lambda: None
worker._compile(json.loads(sys.argv[1]))
"""

MODULE, F, G = 0x1000, 0x2000, 0x3000
IN_F = b"func.func\0f\x002000 0\0builtin.module\0\x001000 0\0"


@pytest.fixture(scope="module")
def printed_by_mlir(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Assembly]:
    """The program, and the steps from MLIR's own files: one thread, every op whole."""
    root = tmp_path_factory.mktemp("printed")
    folder = JobFolder(root / "job")
    folder.create()
    source = str(ireelab.examples.path("mlp"))
    request = {
        "argv": [*arguments(source, compile_flags("llvm-cpu", "vm", ()), folder)],
        "cwd": str(root),
        "stdout": str(folder.stdout),
        "stderr": str(folder.stderr),
        "journal": str(folder.journal),
    }
    command = [sys.executable, "-c", WITHOUT_HOOKS, json.dumps(request)]
    subprocess.run(command, check=True)
    reader = DumpReader(folder.snapshots, folder.journal)
    reader.finish()
    return folder.vmfb.read_bytes(), assemble(reader.dumps, reader.parser)


def test_the_same_steps_where_nothing_can_be_replaced(
    mlp_trace: Trace, printed_by_mlir: tuple[bytes, Assembly]
) -> None:
    program, printed = printed_by_mlir
    assert program == mlp_trace.program.to_bytes()
    assert [(s.name, s.phase, s.scope, s.changed) for s in printed.steps] == [
        (s.name, s.phase, s.scope, s.changed) for s in mlp_trace.steps
    ]


def test_what_is_put_together_is_what_mlir_prints(
    mlp_trace: Trace, printed_by_mlir: tuple[bytes, Assembly]
) -> None:
    """A pass that seems to change nothing is not printed: nothing may hide there."""
    _, printed = printed_by_mlir
    assert printed.initial is not None
    assert mlp_trace.initial is not None
    assert printed.initial.text() == mlp_trace.initial.text()
    for step, theirs in zip(mlp_trace.steps, printed.snapshots, strict=True):
        assert theirs.after.text() == mlp_trace.ir(step), step
        assert theirs.module.text() == mlp_trace.ir(step, module=True), step


def read(journal: Path, *records: bytes) -> list[Dump]:
    journal.write_bytes(b"".join(records))
    reader = DumpReader(journal.parent, journal)
    reader.finish()
    return reader.dumps


def leaf(op: int, text: str) -> bytes:
    return record(LEAF, op, 7, 0, text.encode())


def frame(op: int, text: str, *children: int) -> bytes:
    contents = struct.pack(f"<{len(children) + 1}q", len(children), *children)
    return record(FRAME, op, 7, 0, contents + text.encode())


def passed(name: str, op: int, place: bytes, *written: bytes) -> list[bytes]:
    where = name.encode() + b"\0" + place
    return [
        record(BEGIN, op, 7, 100, where),
        record(AFTER, op, 7, 200, struct.pack("<q", 0) + where),
        *written,
        record(WRITTEN, op, 7, 300, b""),
    ]


BEGUN = [
    leaf(F, "func.func @f() {\n  return\n}\n"),
    leaf(G, "func.func @g()\n"),
    frame(MODULE, "module attributes {a} {...}\n\n", F, G),
    record(INITIAL, MODULE, 7, 0, b""),
]


def test_a_pass_costs_what_it_changed(tmp_path: Path) -> None:
    dumps = read(
        tmp_path / "journal",
        *BEGUN,
        *passed("cse", F, IN_F),
        *passed("inline", MODULE, IN_F[IN_F.index(b"builtin") :], leaf(G, "func.func @h()")),
    )
    initial, cse, inline = dumps
    text = "module attributes {a} {\n  func.func @f() {\n    return\n  }\n  func.func @g()\n}\n"
    assert initial.before
    assert initial.node.text() == text
    assert (cse.name, cse.path) == ("cse", ("builtin_module_no-symbol-name", "func_func_f"))
    assert (cse.begin_ns, cse.start_ns, cse.end_ns) == (100, 200, 300)
    assert cse.node is initial.node.children[0], "nothing was written of it"
    assert inline.node.text() == text.replace("@g", "@h")
    assert inline.node.children[0] is cse.node
    assert (cse.counters, inline.counters) == ((0, 0), (1,))


def test_a_half_written_record_waits(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    reader = DumpReader(tmp_path, journal)
    assert reader.poll() == 0, "the compiler has not started"
    whole = b"".join([*BEGUN, *passed("cse", F, IN_F)])
    journal.write_bytes(whole[:-1])
    assert reader.poll() == 1
    journal.write_bytes(whole)
    assert reader.poll() == 1
    assert [dump.name for dump in reader.dumps] == ["initial", "cse"]


def test_the_pass_that_runs_is_known(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    begun = passed("canonicalize", F, IN_F)[0]
    journal.write_bytes(b"".join([*BEGUN, *passed("cse", F, IN_F), begun]))
    reader = DumpReader(tmp_path, journal)
    reader.finish()
    running = reader.running()
    assert running is not None
    assert (running.name, running.folder) == ("canonicalize", "func_func_f")


def test_a_text_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    begin, after, text, _ = passed("cse", F, IN_F, leaf(F, "func.func @f()"))
    dumps = read(tmp_path / "journal", *BEGUN, begin, after, text[:-3])
    assert [dump.name for dump in dumps] == ["initial"]


def test_what_was_read_takes_no_room(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    many = [leaf(F, f"func.func @f() {{\n  // {'x' * 10000}\n}}\n") for _ in range(500)]
    journal.write_bytes(b"".join([*many, *BEGUN]))
    reader = DumpReader(tmp_path, journal)
    assert reader.poll() == 1
    with journal.open("ab") as file:
        file.write(b"".join(passed("cse", F, IN_F)))
    assert reader.poll() == 1
    assert reader.dumps[-1].node is reader.dumps[0].node.children[0]
    assert journal.stat().st_blocks * 512 < 100_000


def test_symbols_of_a_library_are_where_its_exports_are() -> None:
    """Checked against the dynamic loader."""
    import ctypes

    names = ("mlirOperationGetName", "mlirRegionGetFirstBlock", "no_such_function")
    symbols = find_symbols(library_path(), names)
    assert list(symbols) == list(names[:2])
    library = ctypes.CDLL(str(library_path()))
    first, second = (
        ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in names[:2]
    )
    assert symbols[names[1]].address - symbols[names[0]].address == second - first
    assert find_symbols(Path(os.__file__), names) == {}
