"""The instruction set of IREE's VM, as one table.

A row gives an opcode set, the first opcode, the fields in the order they are encoded, and the
mnemonics that share that encoding under consecutive opcodes. Fields: ``i32 i64 f32 f64 ref`` are
registers, written where marked ``>``; ``registers`` is a list of them; ``const_*`` are immediate
values; ``global rodata function type label u16 string`` are ordinals, offsets and text;
``segments`` the sizes of variadic spans; ``remap`` what a branch moves; ``cases`` the targets of a
branch table. Carries the facts of IREE's ``runtime/src/iree/vm/bytecode/isa/isa.json``,
bytecode version 17.0.
"""

from __future__ import annotations

from dataclasses import dataclass

CORE, F32, F64 = "core", "ext_f32", "ext_f64"
PREFIXES = {0xE0: F32, 0xE1: F64}  # core opcodes that select another opcode set
REF_BIT, MOVE_BIT = 0x8000, 0x4000  # of a register number
REF_MASK = 0x3FFF
IMPORT_BIT = 0x8000_0000  # of a function ordinal
NOT_VARIADIC = 0xFFFF  # a segment that is one plain argument


@dataclass(frozen=True, slots=True)
class Opcode:
    """One instruction kind. ``fields`` are as in the table, ``>`` included."""

    opcode_set: str
    number: int
    mnemonic: str
    fields: tuple[str, ...]


_ROWS: tuple[tuple[str, int, str, str], ...] = (
    (CORE, 0, "global >i32", "global.load.i32"),
    (CORE, 1, "global i32", "global.store.i32"),
    (CORE, 2, "i32 >i32", "global.load.indirect.i32"),
    (CORE, 3, "i32 i32", "global.store.indirect.i32"),
    (CORE, 4, "global >i64", "global.load.i64"),
    (CORE, 5, "global i64", "global.store.i64"),
    (CORE, 6, "i32 >i64", "global.load.indirect.i64"),
    (CORE, 7, "i32 i64", "global.store.indirect.i64"),
    (CORE, 8, "global type >ref", "global.load.ref"),
    (CORE, 9, "global type ref", "global.store.ref"),
    (CORE, 10, "i32 type >ref", "global.load.indirect.ref"),
    (CORE, 11, "i32 type ref", "global.store.indirect.ref"),
    (CORE, 12, ">i32", "const.i32.zero"),
    (CORE, 13, "const_i32 >i32", "const.i32"),
    (CORE, 14, ">i64", "const.i64.zero"),
    (CORE, 15, "const_i64 >i64", "const.i64"),
    (CORE, 16, ">ref", "const.ref.zero"),
    (CORE, 17, "rodata >ref", "const.ref.rodata"),
    (CORE, 18, "type i32 >ref", "list.alloc"),
    (CORE, 19, "ref i32", "list.reserve"),
    (CORE, 20, "ref >i32", "list.size"),
    (CORE, 21, "ref i32", "list.resize"),
    (CORE, 22, "ref i32 >i32", "list.get.i32"),
    (CORE, 23, "ref i32 i32", "list.set.i32"),
    (CORE, 24, "ref i32 >i64", "list.get.i64"),
    (CORE, 25, "ref i32 i64", "list.set.i64"),
    (CORE, 26, "ref i32 type >ref", "list.get.ref"),
    (CORE, 27, "ref i32 ref", "list.set.ref"),
    (CORE, 28, "i32 i32 i32 >i32", "select.i32"),
    (CORE, 29, "i32 i64 i64 >i64", "select.i64"),
    (CORE, 30, "i32 type ref ref >ref", "select.ref"),
    (CORE, 31, "i32 i32 registers >i32", "switch.i32"),
    (CORE, 32, "i32 i64 registers >i64", "switch.i64"),
    (CORE, 33, "i32 type ref registers >ref", "switch.ref"),
    (CORE, 34, "i32 i32 >i32", "add.i32 sub.i32 mul.i32 div.i32.s div.i32.u rem.i32.s rem.i32.u"),
    (CORE, 41, "i32 i32 i32 >i32", "fma.i32"),
    (CORE, 42, "i64 i64 >i64", "add.i64 sub.i64 mul.i64 div.i64.s div.i64.u rem.i64.s rem.i64.u"),
    (CORE, 49, "i64 i64 i64 >i64", "fma.i64"),
    (CORE, 50, "i32 >i32", "not.i32"),
    (CORE, 51, "i32 i32 >i32", "and.i32 or.i32 xor.i32"),
    (CORE, 54, "i64 >i64", "not.i64"),
    (CORE, 55, "i64 i64 >i64", "and.i64 or.i64 xor.i64"),
    (CORE, 58, "i32 i32 >i32", "shl.i32 shr.i32.s shr.i32.u"),
    (CORE, 61, "i64 i32 >i64", "shl.i64 shr.i64.s shr.i64.u"),
    (CORE, 64, "i32 >i32", "trunc.i32.i8 trunc.i32.i16"),
    (CORE, 66, "i64 >i32", "trunc.i64.i32"),
    (CORE, 67, "i32 >i32", "ext.i8.i32.s ext.i8.i32.u ext.i16.i32.s ext.i16.i32.u"),
    (CORE, 71, "i32 >i64", "ext.i32.i64.s ext.i32.i64.u"),
    (CORE, 73, "i32 i32 >i32", "cmp.eq.i32 cmp.ne.i32 cmp.lt.i32.s cmp.lt.i32.u"),
    (CORE, 77, "i32 >i32", "cmp.nz.i32"),
    (CORE, 78, "i64 i64 >i32", "cmp.eq.i64 cmp.ne.i64 cmp.lt.i64.s cmp.lt.i64.u"),
    (CORE, 82, "i64 >i32", "cmp.nz.i64"),
    (CORE, 83, "ref ref >i32", "cmp.eq.ref cmp.ne.ref"),
    (CORE, 85, "ref >i32", "cmp.nz.ref"),
    (CORE, 86, "label remap", "br"),
    (CORE, 87, "i32 label remap label remap", "cond_br"),
    (CORE, 88, "function registers >registers", "call"),
    (CORE, 89, "function segments registers >registers", "call.variadic"),
    (CORE, 90, "registers", "return"),
    (CORE, 91, "i32 string", "fail"),
    (CORE, 92, "function >i32", "import.resolved"),
    (CORE, 93, "label remap", "yield"),
    (CORE, 94, "string registers", "trace print"),
    (CORE, 96, "i32 label remap", "cond_break"),
    (CORE, 97, "label remap", "break"),
    (
        CORE,
        98,
        "ref i64 >i32",
        ("buffer.load.i8.u buffer.load.i8.s buffer.load.i16.u buffer.load.i16.s buffer.load.i32"),
    ),
    (CORE, 103, "ref i64 >i64", "buffer.load.i64"),
    (CORE, 104, "ref i64 i32", "buffer.store.i8 buffer.store.i16 buffer.store.i32"),
    (CORE, 107, "ref i64 i64", "buffer.store.i64"),
    (CORE, 108, "i64 i32 >ref", "buffer.alloc"),
    (CORE, 109, "ref i64 i64 i32 >ref", "buffer.clone"),
    (CORE, 110, "ref >i64", "buffer.length"),
    (CORE, 111, "ref i64 ref i64 i64", "buffer.copy"),
    (CORE, 112, "ref i64 ref i64 i64 >i32", "buffer.compare"),
    (CORE, 113, "ref i64 i64 i32", "buffer.fill.i8 buffer.fill.i16 buffer.fill.i32"),
    (CORE, 116, "ref i64 i64 i64", "buffer.fill.i64"),
    (CORE, 117, "i32 >i32", "ctlz.i32"),
    (CORE, 118, "i64 >i64", "ctlz.i64"),
    (CORE, 119, "i32 >i32", "abs.i32"),
    (CORE, 120, "i64 >i64", "abs.i64"),
    (CORE, 121, "", "block"),
    (CORE, 122, "i32 i32 >i32", "min.i32.s min.i32.u max.i32.s max.i32.u"),
    (CORE, 126, "i64 i64 >i64", "min.i64.s min.i64.u max.i64.s max.i64.u"),
    (CORE, 130, "ref type >ref", "cast.any.ref"),
    (CORE, 131, "i32 label remap u16 cases", "br_table"),
    (CORE, 132, "ref i64 i64 >i64", "buffer.hash"),
    (CORE, 133, "registers", "discard.refs"),
    (CORE, 134, "ref >ref", "assign.ref"),
    (CORE, 135, "function registers label >registers", "call.yieldable"),
    (CORE, 136, "function segments registers label >registers", "call.variadic.yieldable"),
    (F32, 0, "global >f32", "global.load.f32"),
    (F32, 1, "global f32", "global.store.f32"),
    (F32, 2, "i32 >f32", "global.load.indirect.f32"),
    (F32, 3, "i32 f32", "global.store.indirect.f32"),
    (F32, 4, ">f32", "const.f32.zero"),
    (F32, 5, "const_f32 >f32", "const.f32"),
    (F32, 6, "ref i32 >f32", "list.get.f32"),
    (F32, 7, "ref i32 f32", "list.set.f32"),
    (F32, 8, "i32 f32 f32 >f32", "select.f32"),
    (F32, 9, "i32 f32 registers >f32", "switch.f32"),
    (F32, 10, "f32 f32 >f32", "add.f32 sub.f32 mul.f32 div.f32 rem.f32"),
    (F32, 15, "f32 f32 f32 >f32", "fma.f32"),
    (F32, 16, "f32 >f32", "abs.f32 neg.f32 ceil.f32 floor.f32"),
    (F32, 20, "i32 >f32", "cast.si32.f32 cast.ui32.f32"),
    (F32, 22, "f32 >i32", "cast.f32.si32 cast.f32.ui32"),
    (F32, 24, "i32 >f32", "bitcast.i32.f32"),
    (F32, 25, "f32 >i32", "bitcast.f32.i32"),
    (F32, 26, "f32 >f32", "atan.f32"),
    (F32, 27, "f32 f32 >f32", "atan2.f32"),
    (
        F32,
        28,
        "f32 >f32",
        ("cos.f32 sin.f32 exp.f32 exp2.f32 expm1.f32 log.f32 log10.f32 log1p.f32 log2.f32"),
    ),
    (F32, 37, "f32 f32 >f32", "pow.f32"),
    (F32, 38, "f32 >f32", "rsqrt.f32 sqrt.f32 tanh.f32 erf.f32"),
    (
        F32,
        42,
        "f32 f32 >i32",
        (
            "cmp.eq.f32.o cmp.eq.f32.u cmp.ne.f32.o cmp.ne.f32.u cmp.lt.f32.o cmp.lt.f32.u "
            "cmp.lte.f32.o cmp.lte.f32.u"
        ),
    ),
    (F32, 50, "f32 >i32", "cmp.nan.f32"),
    (F32, 51, "ref i64 >f32", "buffer.load.f32"),
    (F32, 52, "ref i64 f32", "buffer.store.f32"),
    (F32, 53, "ref i64 i64 f32", "buffer.fill.f32"),
    (F32, 54, "f32 >f32", "round.f32"),
    (F32, 55, "f32 f32 >f32", "min.f32 max.f32"),
    (F32, 57, "f32 >f32", "round.f32.even"),
    (F32, 58, "f32 >i64", "cast.f32.si64 cast.f32.ui64"),
    (F32, 60, "i64 >f32", "cast.si64.f32 cast.ui64.f32"),
    (F64, 0, "global >f64", "global.load.f64"),
    (F64, 1, "global f64", "global.store.f64"),
    (F64, 2, "i32 >f64", "global.load.indirect.f64"),
    (F64, 3, "i32 f64", "global.store.indirect.f64"),
    (F64, 4, ">f64", "const.f64.zero"),
    (F64, 5, "const_f64 >f64", "const.f64"),
    (F64, 6, "ref i32 >f64", "list.get.f64"),
    (F64, 7, "ref i32 f64", "list.set.f64"),
    (F64, 8, "i32 f64 f64 >f64", "select.f64"),
    (F64, 9, "i32 f64 registers >f64", "switch.f64"),
    (F64, 10, "f64 f64 >f64", "add.f64 sub.f64 mul.f64 div.f64 rem.f64"),
    (F64, 15, "f64 f64 f64 >f64", "fma.f64"),
    (F64, 16, "f64 >f64", "abs.f64 neg.f64 ceil.f64 floor.f64"),
    (F64, 20, "f64 >f32", "trunc.f64.f32"),
    (F64, 21, "f32 >f64", "ext.f32.f64"),
    (F64, 22, "i32 >f64", "cast.si32.f64 cast.ui32.f64"),
    (F64, 24, "f64 >i32", "cast.f64.si32 cast.f64.ui32"),
    (F64, 26, "i64 >f64", "cast.si64.f64 cast.ui64.f64"),
    (F64, 28, "f64 >i64", "cast.f64.si64 cast.f64.ui64"),
    (F64, 30, "i64 >f64", "bitcast.i64.f64"),
    (F64, 31, "f64 >i64", "bitcast.f64.i64"),
    (F64, 32, "f64 >f64", "atan.f64"),
    (F64, 33, "f64 f64 >f64", "atan2.f64"),
    (
        F64,
        34,
        "f64 >f64",
        ("cos.f64 sin.f64 exp.f64 exp2.f64 expm1.f64 log.f64 log10.f64 log1p.f64 log2.f64"),
    ),
    (F64, 43, "f64 f64 >f64", "pow.f64"),
    (F64, 44, "f64 >f64", "rsqrt.f64 sqrt.f64 tanh.f64 erf.f64"),
    (
        F64,
        48,
        "f64 f64 >i32",
        (
            "cmp.eq.f64.o cmp.eq.f64.u cmp.ne.f64.o cmp.ne.f64.u cmp.lt.f64.o cmp.lt.f64.u "
            "cmp.lte.f64.o cmp.lte.f64.u"
        ),
    ),
    (F64, 56, "f64 >i32", "cmp.nan.f64"),
    (F64, 57, "ref i64 >f64", "buffer.load.f64"),
    (F64, 58, "ref i64 f64", "buffer.store.f64"),
    (F64, 59, "ref i64 i64 f64", "buffer.fill.f64"),
    (F64, 60, "f64 >f64", "round.f64"),
    (F64, 61, "f64 f64 >f64", "min.f64 max.f64"),
    (F64, 63, "f64 >f64", "round.f64.even"),
)


def _opcodes() -> dict[tuple[str, int], Opcode]:
    table: dict[tuple[str, int], Opcode] = {}
    for opcode_set, first, fields, mnemonics in _ROWS:
        for number, mnemonic in enumerate(mnemonics.split(), first):
            kinds = tuple(fields.split())
            table[opcode_set, number] = Opcode(opcode_set, number, mnemonic, kinds)
    return table


OPCODES = _opcodes()
BY_MNEMONIC = {opcode.mnemonic: opcode for opcode in OPCODES.values()}
TERMINATORS = frozenset(
    (
        *("br", "cond_br", "br_table", "return", "fail", "yield", "break", "cond_break"),
        *("call.yieldable", "call.variadic.yieldable"),
    )
)
