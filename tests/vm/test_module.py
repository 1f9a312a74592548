"""Decoding a .vmfb: what is in it, and that nothing malformed gets further than a ProgramError."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vm_support import CPU_FLAGS, PROGRAMS, assemble, iree_compile, tool

import ireelab as il
from ireelab.errors import IreelabError, ProgramError, UnsupportedImport, UnsupportedOpcode
from ireelab.vm import convention
from ireelab.vm.declaration import parse_declaration
from ireelab.vm.decode import decode
from ireelab.vm.disassembly import disassemble, function_lines
from ireelab.vm.flatbuffer import Reader


@pytest.fixture(scope="module")
def path(cpu_program: Callable[..., Path]) -> Path:
    return cpu_program(
        "mix.mlir", "--iree-input-demote-f64-to-f32=false", "--iree-vm-emit-polyglot-zip=false"
    )


@pytest.fixture(scope="module")
def data(path: Path) -> bytes:
    return path.read_bytes()


def _decode_all(data: bytes) -> None:
    """Everything that happens before a program runs."""
    program = il.load(data)
    _ = program.functions, program.translation
    disassemble(program.module)


def test_contents(path: Path) -> None:
    program = il.load(path)
    module = program.module
    assert program.name == path.stem and module.name == "module"
    names = [f.name for f in program.functions]
    assert names[:3] == ["mlp", "dynamic", "scalars"] and "__init" not in names
    mlp = program.function("mlp")
    assert mlp.arguments == ("r", "r", "r") and mlp.results == ("r",) and mlp.yields
    assert mlp.declaration.startswith("sync func @mlp(%input0: tensor<8x64xf32>")
    assert "!hal.buffer_view" in module.types and module.dependencies[0].name == "hal"
    assert any(bytes(r[:4]) == b"\x7fELF" for r in module.rodata)
    initializer = module.by_name["__init"]
    lines = function_lines(module, initializer)
    assert any(":" in module.location(initializer, line.pc) for line in lines)


def test_bytes_round_trip(path: Path, data: bytes, tmp_path: Path) -> None:
    program = il.load(path)
    assert program.to_bytes() == data
    program.save(tmp_path / "copy.vmfb")
    assert (tmp_path / "copy.vmfb").read_bytes() == data


def test_polyglot_archives(cpu_program: Callable[..., Path]) -> None:
    path = cpu_program("mix.mlir", "--iree-vm-emit-polyglot-zip=true")
    assert path.read_bytes()[:4] == b"PK\x03\x04"
    x = np.ones(4, np.float32)
    assert il.run(il.load(path), "accumulate", x).outputs[0].tolist() == [1, 1, 1, 1]


def test_every_truncation_is_reported(data: bytes) -> None:
    rodata = max(il.load(data).module.rodata, key=lambda segment: segment.ctypes.data)
    end = data.index(rodata.tobytes()) + len(rodata)  # padding may follow
    lengths = [*range(400), *range(400, end, 97), end - 1]
    for length in lengths:
        with pytest.raises(ProgramError):
            _decode_all(data[:length])


def test_corruption_is_reported_or_harmless(data: bytes) -> None:
    generator = random.Random(1)
    (size,) = struct.unpack_from("<I", data)
    rejected = 0
    for _ in range(250):
        broken = bytearray(data)
        for _ in range(generator.choice((1, 1, 4))):
            broken[generator.randrange(size)] = generator.randrange(256)
        try:
            _decode_all(bytes(broken))
        except IreelabError:
            rejected += 1
    assert rejected > 20


def test_corrupt_offsets_and_counts_are_reported(data: bytes) -> None:
    # The structural part: FlatBuffer tables, where large values mean wild offsets and counts.
    generator = random.Random(2)
    for value in (0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0x0001_0000):
        for _ in range(40):
            broken = bytearray(data)
            struct.pack_into("<I", broken, generator.randrange(0, 4000) & ~3, value)
            try:
                _decode_all(bytes(broken))
            except IreelabError as error:
                assert str(error)


def test_versions(data: bytes) -> None:
    position = data.index(struct.pack("<I", 17 << 16))
    for version in (16 << 16, 18 << 16, 17 << 16 | 1):
        other = bytearray(data)
        struct.pack_into("<I", other, position, version)
        with pytest.raises(ProgramError, match=r"this VM reads 17\.0 to 17\.0"):
            il.load(bytes(other))


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\0" * 64, b"PK\x03\x04" + b"\xff" * 60):
        with pytest.raises(ProgramError):
            il.load(content)
    with pytest.raises(ProgramError, match="No such file"):
        il.load(tmp_path / "missing.vmfb")


def test_tables_that_point_at_each_other_end() -> None:
    # A vector of a million references to one table is more than a file of its size can hold.
    table = Reader(memoryview(struct.pack("<IHHi", 8, 4, 4, 4)))
    with pytest.raises(ProgramError, match="more tables"):
        for _ in range(100):
            table.root("module")


def test_unknown_opcode_is_named(tmp_path: Path) -> None:
    assemble(PROGRAMS / "calls.vmasm", tmp_path / "calls.vmfb")
    program = il.load(tmp_path / "calls.vmfb")
    function = program.function_def("rotate")
    broken = bytearray(program.to_bytes())
    at = program.to_bytes().index(program.module.code(function))
    broken[at + 1] = 200
    damaged = il.load(bytes(broken))
    with pytest.raises(UnsupportedOpcode, match=r"'rotate', byte 1: opcode 200"):
        decode(damaged.module, damaged.function_def("rotate"))
    with pytest.raises(UnsupportedOpcode):
        il.Context(damaged, "null")


def test_modules_that_nobody_provides_are_named(vm_program: Callable[[str], Path]) -> None:
    path = vm_program(
        "vm.module @m { vm.import private @other.thing(%a : i32) -> i32\n vm.export @f\n"
        " vm.func @f(%a: i32) -> i32 { %0 = vm.call @other.thing(%a) : (i32) -> i32\n"
        " vm.return %0 : i32 } }"
    )
    with pytest.raises(UnsupportedImport, match="'thing' of the module 'other'"):
        il.Context(il.load(path), "null")


@pytest.mark.parametrize("source", ["vm_values.mlir", "vm_control.mlir", "mix.mlir"])
def test_offsets_agree_with_iree_dump_module(
    source: str, vm_program: Callable[[str], Path], path: Path
) -> None:
    file = path if source == "mix.mlir" else vm_program(source)
    command = [tool("iree-dump-module"), "--output=disassembly", "--bytecode_offsets", str(file)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = [line[1:9] for line in text.splitlines() if line.startswith("[")]
    ours = [line[1:9] for line in disassemble(il.load(file).module).splitlines() if line[:1] == "["]
    assert ours == theirs and len(ours) > 30


def test_listing(path: Path) -> None:
    text = disassemble(il.load(path).module)
    for part in ("import 0 @hal.", "rodata 0:", "export @mlp = function", "vm.return %R", "^bb1:"):
        assert part in text


def test_calling_conventions() -> None:
    parsed = convention.parse("0rIiCiDCirID_rf")
    assert parsed.arguments == ("r", "I", "i", "(i)", "(irI)") and parsed.results == ("r", "f")
    assert str(parsed) == "(ref, i64, i32, tuple<i32>..., tuple<i32, ref, i64>...) -> (ref, f32)"
    assert convention.parse("0v_v").arguments == ()
    for text in ("1r_r", "0rC_r", "0x_r", "0CCiDD_v", "0D_v"):
        with pytest.raises(ProgramError):
            convention.parse(text)


def test_spans_are_grouped() -> None:
    letters = convention.parse("0iCrDCirDi_v").arguments
    grouped = convention.group_spans(letters, [0xFFFF, 2, 1, 0xFFFF], [1, 2, 3, 4, 5, 6], tuple)
    assert grouped == [1, (2, 3), ((4, 5),), 6]
    with pytest.raises(ValueError, match="segments"):
        convention.group_spans(letters, [0xFFFF, 2, 1, 0xFFFF], [1, 2, 3, 4, 5, 6, 7], tuple)


def test_declarations() -> None:
    arguments, results = parse_declaration(
        "sync func @f(%a: tensor<?x4xf32, #enc<{a = [1, 2]}>> {iree.abi.output = 0 : index}, "
        "%b: index, %c: tensor<i1>, %d: !util.list<?>, %e: tensor<2xcomplex<f32>>) "
        "-> (%output0: tensor<0x3xbf16>)"
    )
    assert [a.shape for a in arguments] == [(None, 4), None, (), None, (2,)]
    assert [a.element for a in arguments][:3] == ["f32", "index", "i1"]
    assert arguments[4].element == "complex<f32>" and arguments[0].name == "a"
    assert results[0].shape == (0, 3) and results[0].element == "bf16"
    assert parse_declaration("") == ((), ())


def test_programs_without_debug_information_load(path: Path) -> None:
    source = (PROGRAMS / "checks.mlir").read_text()
    strip = "--iree-vm-bytecode-module-strip-source-map"
    stripped = iree_compile(source, *CPU_FLAGS, strip)
    program = il.load(stripped)
    assert program.module.debug is None
    il.run(program, "holds")
