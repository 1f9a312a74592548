"""The ``upstream`` pipeline: IREE's own passes, run by ``iree-compile``'s own main.

Printing and dumping options are added to see inside; they do not change what is compiled, and a
test compares the resulting bytes with a plain ``iree-compile``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ireelab.errors import UnknownStep
from ireelab.pipeline.step import PHASES
from ireelab.pipeline.targets import target_flags

ELIDE_ELEMENTS = 32
"""Constants with more elements than this are printed as ``dense<...>``'s elided form."""

_MESSAGE_BYTES = 16 << 10

_FIRST_PASS = "iree-auto-input-conversion"

_LAST_UPSTREAM_PHASE = {"executable": "executable-targets"}


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The files of one compilation, in a folder that goes with it."""

    root: Path

    @property
    def snapshots(self) -> Path:
        """Where MLIR's tree printer writes, where it is not replaced."""
        return self.root / "snapshots"

    @property
    def journal(self) -> Path:
        """What the compiler tells of its passes; see ``journal``."""
        return self.root / "journal"

    @property
    def executables(self) -> Path:
        """Where IREE writes each executable's LLVM IR and binary."""
        return self.root / "executables"

    @property
    def phases(self) -> Path:
        """Where IREE writes the module at each phase's end; its passes mark the phases."""
        return self.root / "phases"

    @property
    def vmfb(self) -> Path:
        """The program."""
        return self.root / "program.vmfb"

    @property
    def job(self) -> Path:
        """What a lab compilation is told."""
        return self.root / "job.json"

    @property
    def outcome(self) -> Path:
        """What stopped a lab compilation, where something did."""
        return self.root / "outcome.json"

    @property
    def input(self) -> Path:
        """What the failing step was given, in a run that is to tell."""
        return self.root / "input.mlir"

    @property
    def stdout(self) -> Path:
        """What the compiler printed."""
        return self.root / "stdout"

    @property
    def stderr(self) -> Path:
        """Its diagnostics."""
        return self.root / "stderr"

    def messages(self) -> str:
        """What the compiler has said so far."""
        return self.stderr.read_text("utf-8", "replace").rstrip("\0")

    def create(self) -> None:
        """Make the folders that the printers expect to find, and room to say that there is none."""
        for folder in (self.snapshots, self.executables, self.phases):
            folder.mkdir(parents=True)
        self.stderr.write_bytes(bytes(_MESSAGE_BYTES))


def compile_flags(target: str, until: str, flags: Sequence[str]) -> tuple[str, ...]:
    """What a user would give ``iree-compile`` for this compilation, input and output aside.

    Raises:
        UnknownTarget: no such target.
        UnknownStep: no such phase.
    """
    if until not in PHASES:
        raise UnknownStep(f"unknown phase {until!r}; the phases are: {', '.join(PHASES)}")
    stop = () if until == "vm" else (f"--compile-to={_LAST_UPSTREAM_PHASE.get(until, until)}",)
    return (*target_flags(target, tuple(flags)), *stop, *flags)


def _printing(folder: JobFolder) -> tuple[str, ...]:
    """How snapshots are written: a file each, every symbol readable on its own."""
    return (
        f"--mlir-print-ir-tree-dir={folder.snapshots}",
        "--mlir-print-local-scope",
        f"--mlir-elide-elementsattrs-if-larger={ELIDE_ELEMENTS}",
        f"--mlir-elide-resource-strings-if-larger={ELIDE_ELEMENTS}",
    )


def arguments(source: str, user_flags: Sequence[str], folder: JobFolder) -> tuple[str, ...]:
    """The whole command line: the user's compilation plus what shows its inside.

    Without ``--mlir-print-assume-verified`` MLIR would verify each op again before printing it.
    """
    return (*careful_arguments(source, user_flags, folder), "--mlir-print-assume-verified")


def careful_arguments(source: str, user_flags: Sequence[str], folder: JobFolder) -> tuple[str, ...]:
    """The same, but the printer survives IR that a failing pass left invalid."""
    return (
        "iree-compile",
        source,
        *user_flags,
        "-o",
        str(folder.vmfb),
        "--mlir-print-ir-after-all",
        f"--mlir-print-ir-before={_FIRST_PASS}",
        *_printing(folder),
        f"--dump-compilation-phases-to={folder.phases}",
        *_dumping(folder),
    )


def driver_arguments(_source: str, user_flags: Sequence[str], folder: JobFolder) -> tuple[str, ...]:
    """The flags for a driver that parses, steps and writes by itself, as the lab's does."""
    return (
        "ireelab",
        *user_flags,
        "--mlir-print-ir-after-all",
        *_printing(folder),
        *_dumping(folder),
    )


def _dumping(folder: JobFolder) -> tuple[str, ...]:
    """Where each executable's LLVM IR and binary go."""
    return (
        f"--iree-hal-dump-executable-intermediates-to={folder.executables}",
        f"--iree-hal-dump-executable-binaries-to={folder.executables}",
    )


def reproducing_arguments(
    source: str, user_flags: Sequence[str], folder: JobFolder
) -> tuple[str, ...]:
    """The same compilation, which writes the failing pass's input and that pass's text."""
    return ("iree-compile", source, *user_flags, "-o", str(folder.vmfb), *_reproducing(folder))


def reproducing_driver_arguments(
    _source: str, user_flags: Sequence[str], folder: JobFolder
) -> tuple[str, ...]:
    """``reproducing_arguments`` for the lab's driver."""
    return ("ireelab", *user_flags, *_reproducing(folder))


def _reproducing(folder: JobFolder) -> tuple[str, ...]:
    return (
        f"--mlir-pass-pipeline-crash-reproducer={folder.input}",
        "--mlir-pass-pipeline-local-reproducer",
        "--mlir-disable-threading",
    )
