"""``ireelab debug``: step through the VM code of one call, as a debugger does."""

from __future__ import annotations

import argparse
import cmd
import re
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ireelab.cli.common import (
    add_command,
    add_compile_options,
    add_run_options,
    devices_of,
    existing_file,
    load_program,
)
from ireelab.errors import IreelabError

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.vm.debugger import Debugger

_EXAMPLES = """  ireelab debug model.mlir --function=main --input=8x64xf32=1
  printf 'break 8\\ncontinue\\nregisters\\n' | ireelab debug model.mlir --input=@x.npy
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "debug",
        summary="step through the VM instructions of a call",
        description="Load FILE and stop before the first instruction of a function. Commands come "
        "from the terminal or from stdin; `help` lists them. Arguments that are not given with "
        "--input are made up from the function's signature.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="a .vmfb, or a source to compile first")
    add_run_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    from ireelab.array_text import parse_inputs
    from ireelab.vm.debugger import debug
    from ireelab.vm.example_inputs import example_inputs

    program = load_program(arguments, existing_file(arguments.file))
    function = program.function(arguments.function)
    inputs = parse_inputs(arguments.inputs) or example_inputs(function)
    with debug(program, function.name, *inputs, device=devices_of(arguments)) as call:
        shell = DebugShell(call, sys.stdin)
        print(call)
        shell.cmdloop()
        return shell.exit_code


_PRINTED = re.compile(
    r"(?:(?P<name>(?:ref|value|result) \d+)|(?P<up>\^*)%?(?P<register>[ifr]\d+))"
    r"(?: +(?P<as>[a-z]\w+))?(?: +(?P<offset>\d+))?"
)


class DebugShell(cmd.Cmd):
    """One command a line; an empty line repeats the last. Errors are printed, the call goes on."""

    def __init__(self, call: Debugger, stdin: TextIO) -> None:
        super().__init__(stdin=stdin)
        self.use_rawinput = stdin.isatty()
        self.prompt = "(vm) " if self.use_rawinput else ""
        self.exit_code = 0
        self._call = call

    def do_step(self, arg: str) -> None:
        """step [N]: execute N instructions; calls are entered (s)"""
        print(self._call.step(int(arg or "1")))

    def do_next(self, _arg: str) -> None:
        """next: execute one instruction; a called function runs to its return (n)"""
        print(self._call.step_over())

    def do_finish(self, _arg: str) -> None:
        """finish: run until the function has returned (f)"""
        print(self._call.step_out())

    def do_continue(self, _arg: str) -> None:
        """continue: run to the next breakpoint or the end (c)"""
        print(self._call.resume())

    def do_until(self, arg: str) -> None:
        """until PLACE: run to a place, written as for `break` (u)"""
        print(self._call.run_to(arg))

    def do_break(self, arg: str) -> None:
        """break PLACE: stop at a source line (8), a function (@main), an instruction
        (@main 0x48, or 0x48 of this function) or calls of an import (hal.fence.await);
        without: forget all (b)"""
        if arg:
            self._call.break_at(arg)
        else:
            self._call.clear_breakpoints()

    def do_restart(self, _arg: str) -> None:
        """restart: the same call from its start; breakpoints stay"""
        print(self._call.restart())

    def do_registers(self, arg: str) -> None:
        """registers [NAME...]: what the function's registers hold (r)"""
        wanted = {name.lstrip("%") for name in arg.split()}
        for name, text in self._call.registers.items():
            if not wanted or name in wanted:
                print(f"%{name} = {text}")

    def do_print(self, arg: str) -> None:
        """print NAME [TYPE [OFFSET]]: what is in the memory of a register (%r0, ^%r0 of the
        caller), a global (ref 0) or an output (result 0), as f32, i8, bytes, ... from an
        element on; memory that nothing is computed in yet says what it waits for (p)"""
        match = _PRINTED.fullmatch(arg.strip())
        if match is None:
            print(f"cannot read {arg!r}: write `print %r0 f32 128`", file=sys.stderr)
            return
        name = match["name"] or f"{match['up']}%{match['register']}"
        read = self._call.contents(name, match["as"] or "", int(match["offset"] or "0"))
        if read.note:
            print(read.note)
        if read.texts:
            more = "" if len(read.texts) == read.count else f" of {read.count:,} from {read.offset}"
            print(f"{len(read.texts)}{more} {read.type}: {' '.join(read.texts)}")

    def do_globals(self, _arg: str) -> None:
        """globals: what the module's globals hold (g)"""
        for name, text in self._call.globals.items():
            print(f"{name} = {text}")

    def do_list(self, arg: str) -> None:
        """list [N]: the N instructions before and after this one (l)"""
        print(self._call.listing(int(arg or "10")))

    def do_where(self, _arg: str) -> None:
        """where: the functions being executed, the source position (w)"""
        print(" > ".join(self._call.backtrace) or "returned", self._call.location)

    def do_quit(self, _arg: str) -> bool:
        """quit: leave (q)"""
        return True

    def do_EOF(self, _arg: str) -> bool:  # the name that cmd.Cmd calls
        return True

    def get_names(self) -> list[str]:
        """What `help` lists; the end of the input is no command."""
        return [name for name in super().get_names() if name != "do_EOF"]

    def default(self, line: str) -> None:
        """A command's first letter is enough."""
        letter, _, rest = line.partition(" ")
        for name in ("step", "next", "finish", "continue", "until", "break", "registers",
                     "print", "globals", "list", "where", "restart", "quit"):  # fmt: skip
            if name.startswith(letter):
                self.cmdqueue.append(f"{name} {rest}")
                return
        print(f"unknown command {letter!r}; `help` lists them", file=sys.stderr)

    def onecmd(self, line: str) -> bool:
        """A wrong argument or a failing instruction is said; the shell stays.

        Ctrl-C ends a long `continue` between two instructions.
        """
        try:
            with _interrupts_stop(self._call):
                return super().onecmd(line)
        except ValueError:
            print(f"not a number in {line!r}", file=sys.stderr)
        except IreelabError as error:
            print(f"error: {error}", file=sys.stderr)
            self.exit_code = 1
            if error is self._call.error:
                print(self._call)  # it stands at the instruction that failed
        return False


@contextmanager
def _interrupts_stop(call: Debugger) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread may handle signals
        return
    call.stop.clear()

    def stop(_number: int, _frame: object) -> None:
        call.stop.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
