"""LLVM IR text with its own line numbers as debug locations.

What the optimiser and the code generator make of an instruction then says which line of the text
it came from. IREE's locations, which name the source file, are read beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DEFINE = re.compile(r'^define .*?@"?(?P<name>[\w$.-]+)"?\(')
_DEBUG = re.compile(r",? !dbg !(\d+)")
_LABEL = re.compile(r'^[\w$."-]+:')
_LOCATION = re.compile(r"^!(\d+) = (?:distinct )?!DILocation\(line: (\d+)(?:, column: (\d+))?.*scope: !(\d+)")  # fmt: skip  # noqa: E501
_FILE_OF_SCOPE = re.compile(r"^!(\d+) = .*!DI(?:Subprogram|LexicalBlock\w*)\(.*\bfile: !(\d+)")
_FILE = re.compile(r'^!(\d+) = (?:distinct )?!DIFile\(filename: "([^"]*)"')
_FIRST = 1_000_000_000  # number of the first metadata node added; IREE's are far below

_NO_FILES = ("", "-")  # how IREE calls what has none


@dataclass(frozen=True, slots=True)
class Function:
    """A function's place in a module's text: its first line and the one after its last, from 1."""

    name: str
    first: int
    end: int


def functions(text: str) -> tuple[Function, ...]:
    """The functions that a module defines, in order."""
    found: list[Function] = []
    name, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("define "):
            match = _DEFINE.match(line)
            name, first = (match["name"], number) if match else ("", 0)
        elif line == "}" and first:
            found.append(Function(name, first, number + 1))
            first = 0
    return tuple(found)


def source_locations(text: str) -> dict[int, str]:
    """Line (from 1) -> ``file:line:column`` of the instructions that have one.

    Without a file name, as when the source was text, it is ``:line:column``.
    """
    places, scopes, files = _places(text)
    found: dict[int, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = _DEBUG.search(line)
        if match is None or line.startswith(("!", "define ")) or match[1] not in places:
            continue
        row, column, scope = places[match[1]]
        file = files.get(scopes.get(scope, ""), "")
        if row != "0":
            found[number] = f"{'' if file in _NO_FILES else file}:{row}:{column or 0}"
    return found


def _places(
    text: str,
) -> tuple[dict[str, tuple[str, str, str]], dict[str, str], dict[str, str]]:
    """Node -> (line, column, scope); scope -> file node; file node -> name."""
    places: dict[str, tuple[str, str, str]] = {}
    scopes: dict[str, str] = {}
    files: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.startswith("!"):
            continue
        if match := _LOCATION.match(line):
            places[match[1]] = match[2], match[3] or "", match[4]
        elif match := _FILE_OF_SCOPE.match(line):
            scopes[match[1]] = match[2]
        elif match := _FILE.match(line):
            files[match[1]] = match[2]
    return places, scopes, files


def without_locations(text: str) -> str:
    """The text without references to debug locations, for reading."""
    return _DEBUG.sub("", text)


def with_line_numbers(text: str) -> str:
    """The module with the number of its line as every instruction's debug location."""
    lines = [
        line for line in text.split("\n") if not line.startswith("!llvm.dbg.cu")
    ]  # a line fewer, at the end of the text
    compile_unit, file, type_node = _FIRST, _FIRST + 1, _FIRST + 2
    nodes = [
        f"!llvm.dbg.cu = !{{!{compile_unit}}}",
        f"!{compile_unit} = distinct !DICompileUnit(language: DW_LANG_C, file: !{file}, "
        "isOptimized: true, emissionKind: LineTablesOnly)",
        f'!{file} = !DIFile(filename: "llvm", directory: "")',
        f"!{type_node} = !DISubroutineType(types: !{{null}})",
    ]
    fresh = _FIRST + 3
    for function in functions("\n".join(lines)):
        scope = fresh
        nodes.append(
            f'!{scope} = distinct !DISubprogram(name: "{function.name}", scope: !{file}, '
            f"file: !{file}, line: {function.first}, type: !{type_node}, "
            f"scopeLine: {function.first}, spFlags: DISPFlagDefinition, unit: !{compile_unit})"
        )
        fresh += 1
        head = _DEBUG.sub("", lines[function.first - 1]).rstrip().removesuffix("{").rstrip()
        lines[function.first - 1] = f"{head} !dbg !{scope} {{"
        for number in _instruction_lines(lines, function):
            lines[number - 1] = f"{_DEBUG.sub('', lines[number - 1])}, !dbg !{fresh}"
            nodes.append(f"!{fresh} = !DILocation(line: {number}, scope: !{scope})")
            fresh += 1
    if not any("Debug Info Version" in line for line in lines):
        flags = [i for i, line in enumerate(lines) if line.startswith("!llvm.module.flags = !{")]
        version = f'!{fresh} = !{{i32 2, !"Debug Info Version", i32 3}}'
        nodes.append(version)
        if flags:
            lines[flags[0]] = lines[flags[0]].replace("!{", f"!{{!{fresh}, ", 1)
        else:
            nodes.append(f"!llvm.module.flags = !{{!{fresh}}}")
    return "\n".join([*lines, *nodes, ""])


def _instruction_lines(lines: list[str], function: Function) -> Iterator[int]:
    """The line on which each instruction of a function ends."""
    for number in range(function.first + 1, function.end - 1):
        line = lines[number - 1]
        body = line.strip()
        if not body or body.startswith((";", "#dbg")) or _LABEL.match(line):
            continue
        inside_switch = line.startswith("    ")
        if not inside_switch and not body.endswith("["):
            yield number


_LOCATION_LINE = re.compile(r"^!(\d+) = (?:distinct )?!DILocation\(line: (\d+)", re.MULTILINE)


def lines_of(optimised: str) -> dict[int, int]:
    """Line of a module printed after ``with_line_numbers`` -> line of the text before."""
    nodes = {match[1]: int(match[2]) for match in _LOCATION_LINE.finditer(optimised)}
    found: dict[int, int] = {}
    for number, line in enumerate(optimised.split("\n"), 1):
        if line.startswith("!"):
            break
        match = _DEBUG.search(line)
        if match and not line.startswith("define ") and match[1] in nodes:
            found[number] = nodes[match[1]]
    return found
