"""What several commands share: options, sources, progress, tables, and texts for errors."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.errors import (
    CompileError,
    DeviceUnavailable,
    InvalidInput,
    IreelabError,
    UnknownFunction,
    UnknownStep,
    UnknownTarget,
    UnsupportedSource,
)

if TYPE_CHECKING:
    from ireelab.pipeline.lab import Pipeline
    from ireelab.pipeline.trace import Trace
    from ireelab.program import Program

PIPELINES = ("upstream", "lab")
DEFAULT_DEVICE = "llvm-cpu"


class UsageError(IreelabError):
    """The command line asks for something that cannot be; exit code 2."""


USAGE_ERRORS = (
    UsageError,
    DeviceUnavailable,
    InvalidInput,
    UnknownFunction,
    UnknownStep,
    UnknownTarget,
    UnsupportedSource,
)

if TYPE_CHECKING:
    # What `add_subparsers` returns; argparse has no public name for it, nor for an option group.
    from argparse import _ArgumentGroup as OptionGroup  # pyright: ignore[reportPrivateUsage]
    from argparse import _SubParsersAction  # pyright: ignore[reportPrivateUsage]

    Commands = _SubParsersAction[argparse.ArgumentParser]


# --- options -------------------------------------------------------------------------


def add_command(
    commands: Commands,
    name: str,
    *,
    summary: str,
    description: str = "",
    examples: str = "",
) -> argparse.ArgumentParser:
    """A subcommand whose ``--help`` ends in examples."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser)
    return parser


def add_compile_options(parser: argparse.ArgumentParser) -> None:
    """``--target``, ``--pipeline`` and ``--flag``: what ``il.compile`` takes."""
    group = parser.add_argument_group("compiling")
    add_target_option(group, "what to compile for (what --device needs, or llvm-cpu)")
    add_pipeline_option(group)
    group.add_argument(
        "--until", default="vm", metavar="S", help="the last phase or lab step (%(default)s)"
    )
    group.add_argument(
        "--from-step", metavar="S", help="the first lab step: FILE holds the IR as it stands there"
    )
    group.add_argument(
        "--flag",
        dest="flags",
        action="append",
        default=[],
        metavar="F",
        help="a flag of iree-compile, for example --flag=--iree-opt-level=O3; may be repeated",
    )
    group.add_argument(
        "--no-cache",
        action="store_true",
        help="compile even what was compiled before; IREELAB_CACHE_SIZE limits the cache, in bytes",
    )


def add_target_option(parser: argparse.ArgumentParser | OptionGroup, summary: str) -> None:
    parser.add_argument(
        "--target",
        dest="targets",
        action="append",
        default=[],
        metavar="T",
        help=f"{summary}; repeated: one program for whichever of them is there, the first first; "
        "NAME=T, repeated: devices that one program uses at once, by the names in its affinities",
    )


def add_pipeline_option(parser: argparse.ArgumentParser | OptionGroup) -> None:
    parser.add_argument(
        "--pipeline",
        default="upstream",
        metavar="P",
        help="whose passes: upstream is IREE's own driver, lab the same as named steps; or "
        "FILE.py:NAME, a lab pipeline of your own (%(default)s)",
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """``--function``, ``--input`` and ``--device``, as iree-run-module spells them."""
    group = parser.add_argument_group("running")
    group.add_argument(
        "--function", metavar="F", help="the function to call; may be left out when there is one"
    )
    group.add_argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="I",
        help="an argument of the function: 8x64xf32=1, '2x2xi32=1 2 3 4', @x.npy, "
        "4xf32=@raw.bin, or a number for a scalar; repeat in order",
    )
    add_parameters_option(group)
    add_device_option(group)


def add_parameters_option(parser: argparse.ArgumentParser | OptionGroup) -> None:
    parser.add_argument(
        "--parameters",
        action="append",
        default=[],
        metavar="[SCOPE=]FILE",
        help="values that the program only names: an .irpa, .safetensors or .gguf file, for a "
        "scope or without one; may be repeated",
    )


def add_device_option(parser: argparse.ArgumentParser | OptionGroup) -> None:
    parser.add_argument(
        "--device",
        dest="devices",
        action="append",
        default=[],
        metavar="D",
        help=f"where to run; see `ireelab devices` ({DEFAULT_DEVICE}); repeated: several devices "
        "for a program that uses them at once",
    )


def devices_of(arguments: argparse.Namespace) -> list[str]:
    """The devices to run on."""
    from ireelab.hal.registry import split_names

    given: list[str] = getattr(arguments, "devices", None) or [DEFAULT_DEVICE]
    return [name for text in given for name in split_names(text)]


# --- sources -------------------------------------------------------------------------


def existing_file(name: str) -> Path:
    """The path, when it names a readable file; ``UsageError`` otherwise."""
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name} is a folder, not a file")
    if not path.exists():
        raise UsageError(f"no such file: {name}")
    return path


def text_of(name: str) -> str:
    """What a file of text holds; ``UsageError`` where there is none."""
    try:
        return existing_file(name).read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a text file") from None
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None


def compile_file(arguments: argparse.Namespace, path: Path) -> Trace:
    """Compile ``path`` as the options say, with progress on a terminal."""
    import ireelab
    from ireelab.pipeline.targets import target_of

    if path.suffix == ".iltrace":
        _refuse_compile_options(arguments, path)
        return ireelab.load_trace(path)
    with Progress(f"compiling {path.name}") as progress:
        return ireelab.compile(
            path,
            target=arguments.targets or target_of(devices_of(arguments)),
            pipeline=named_pipeline(arguments.pipeline),
            until=arguments.until,
            from_step=arguments.from_step,
            flags=tuple(arguments.flags),
            progress=progress,
            cache=not arguments.no_cache,
        )


def _refuse_compile_options(arguments: argparse.Namespace, path: Path) -> None:
    """What was compiled already stays as it is: say so in place of ignoring an option."""
    given = {
        "--flag": arguments.flags,
        "--target": arguments.targets,
        "--from-step": arguments.from_step,
    }
    for option in (option for option, value in given.items() if value):
        raise UsageError(f"{path} is already compiled: {option} needs the source")


def named_pipeline(text: str) -> str | Pipeline:
    """``upstream``, ``lab``, or the pipeline that ``FILE.py:NAME`` defines.

    Raises:
        UsageError: there is no such file or name, running the file raised, or it is no pipeline.
    """
    from ireelab.pipeline.lab import Pipeline

    if text in PIPELINES:
        return text
    file, _, name = text.rpartition(":")
    if not file.endswith(".py") or not name:
        raise UsageError(f"--pipeline={text}: neither {' nor '.join(PIPELINES)} nor a FILE.py:NAME")
    path = existing_file(file).resolve()
    module_name = f"ireelab_passes_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # Where its functions are looked up when they are sent on.
    sys.path.insert(0, str(path.parent))  # As for a script; the compiler's process gets it too.
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The file is the user's and may raise anything.
        raise UsageError(f"{file} raised {type(error).__name__}: {error}") from error
    pipeline = getattr(module, name, None)
    if not isinstance(pipeline, Pipeline):
        raise UsageError(f"{file}: {name} is not a pipeline, as il.lab.replace(...) makes")
    return pipeline


def load_program(arguments: argparse.Namespace, path: Path) -> Program:
    """The program of a ``.vmfb``, or of anything else after compiling it."""
    import ireelab

    if path.suffix == ".vmfb":
        _refuse_compile_options(arguments, path)
        return with_parameters(ireelab.load(path), arguments)
    return with_parameters(compile_file(arguments, path).program, arguments)


def with_parameters(program: Program, arguments: argparse.Namespace) -> Program:
    """The program with what ``--parameters`` names."""
    scopes: dict[str, list[str]] = {}
    for text in arguments.parameters:
        scope, _, file = text.rpartition("=")
        scopes.setdefault(scope, []).append(str(existing_file(file)))
    return program.with_parameters(scopes) if scopes else program


# --- progress ------------------------------------------------------------------------


class Progress:
    """One line on stderr that follows the steps; silent where stderr is not a terminal."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __call__(self, count: int, name: str) -> None:
        """``count`` steps have run; ``name`` is the latest."""
        if self._live:
            print(f"\r\x1b[K{self._title}: {count} {name}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def write_text(name: str, text: str) -> None:
    """Into a file, or to stdout for ``-``; ``UsageError`` where it cannot be written."""
    if name == "-":
        print(text, end="")
        return
    try:
        Path(name).write_text(text)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
    print(f"wrote {name}", file=sys.stderr)


# --- texts ---------------------------------------------------------------------------


def describe(error: IreelabError) -> str:
    """What failed, what the compiler said about it, and how to reproduce it."""
    if not isinstance(error, CompileError):
        return str(error)
    lines = [diagnostic.render() for diagnostic in error.diagnostics]
    if not lines:
        lines.append(str(error))
    elif error.step:
        lines.insert(0, f"the pass {error.step} failed, {last_step(error.trace)}")
    if error.reproducer and error.reproducer not in lines[0]:
        lines.append(f"to reproduce: {error.reproducer}")
    return "\n".join(lines)


def last_step(trace: Trace | None) -> str:
    """Where a partial trace ends: ``after 143 steps, in phase stream (iree-...)``."""
    if trace is None or not trace.steps:
        return "before the first step"
    step = trace.steps[-1]
    return f"after {len(trace.steps)} steps, in phase {step.phase} ({step.name})"


def table(rows: Iterable[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Aligned columns, those in ``left`` to the left and the others to the right."""
    rows = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
