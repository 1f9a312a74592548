"""Reading snapshots: numbered ones with a journal, and those that MLIR placed itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ireelab
from ireelab import Trace
from ireelab.pipeline.assemble import assemble
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.upstream import JobFolder, arguments, compile_flags

WITHOUT_INTERPOSING = """
import json, sys
from ireelab.pipeline import interpose_ffi, worker
interpose_ffi.import_slots = lambda library: {}
worker._compile(json.loads(sys.argv[1]))
"""


def test_snapshots_where_nothing_can_be_interposed(mlp_trace: Trace, tmp_path: Path) -> None:
    """Other platforms: one thread, MLIR's own files. The same steps, in the same order."""
    folder = JobFolder(tmp_path / "job")
    folder.create()
    source = str(ireelab.examples.path("mlp"))
    request = {
        "argv": [*arguments(source, compile_flags("llvm-cpu", "vm", ()), folder)],
        "cwd": str(tmp_path),
        "stdout": str(folder.stdout),
        "stderr": str(folder.stderr),
        "snapshots": str(folder.snapshots),
        "journal": str(folder.journal),
    }
    command = [sys.executable, "-c", WITHOUT_INTERPOSING, json.dumps(request)]
    subprocess.run(command, check=True)
    assert folder.vmfb.read_bytes() == mlp_trace.program.to_bytes()
    reader = DumpReader(folder.snapshots, folder.journal)
    reader.finish()
    steps = assemble(reader.dumps, reader.parser).steps
    assert [(s.name, s.phase, s.scope, s.changed) for s in steps] == [
        (s.name, s.phase, s.scope, s.changed) for s in mlp_trace.steps
    ]


def test_a_half_written_journal_line_waits(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    snapshot = tmp_path / "0"
    snapshot.write_text("// -----// IR Dump After CSEPass: cse //----- //\nmodule {\n}\n\n")
    reader = DumpReader(tmp_path, journal)
    assert reader.poll() == 0, "the compiler has not started"
    journal.write_text("open 0 7 1000 builtin_module_no-symbol-name/3_cse.mlir\nclose 0 20")
    assert reader.poll() == 0
    journal.write_text("open 0 7 1000 builtin_module_no-symbol-name/3_cse.mlir\nclose 0 2000\n")
    assert reader.poll() == 1
    dump = reader.dumps[0]
    assert (dump.name, dump.counters) == ("cse", (3,))
    assert (dump.thread, dump.start_ns, dump.end_ns) == (7, 1000, 2000)
    assert not snapshot.exists(), "what was read is removed"


def test_a_snapshot_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("// -----// IR Du")
    journal = tmp_path / "journal"
    journal.write_text("open 0 7 1 builtin_module_m/0_cse.mlir\nclose 0 2\nopen 1 7 3 x/1_a.mlir\n")
    reader = DumpReader(tmp_path, journal)
    reader.finish()
    assert reader.dumps == []
