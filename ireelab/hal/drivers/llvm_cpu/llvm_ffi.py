"""llvmlite, behind a typed front: compile LLVM IR text to machine code, and ask about the host.

The settings are IREE's own: middle end at O2 without vectorisers, unrolling or interleaving
(kernels arrive vectorised); code generation at its highest level.
"""

# llvmlite has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import ctypes
import platform
import re
import threading
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.llvm_cpu.llvm_text import to_llvm22, with_triple

LLVM_LOCK = threading.Lock()
"""Held while LLVM works: its global context is not thread-safe."""

_process = ctypes.CDLL(None)

_ARCHITECTURES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "arm_64",
    "arm64": "arm_64",
    "riscv64": "riscv_64",
}
_TRIPLE_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm_64", "arm64": "arm_64"}

# Bit of each feature in the first word of the environment's processor data: the part of IREE's
# schemas/cpu_feature_bits.inl that LLVM's host detection knows, under LLVM's names.
_X86_BITS = {
    "sse3": 0, "ssse3": 1, "sse4.1": 2, "sse4.2": 3, "sse4a": 4, "avx": 10, "fma": 11, "fma4": 12,
    "xop": 13, "f16c": 14, "avx2": 15, "avx512f": 20, "avx512cd": 21, "avx512vl": 22,
    "avx512dq": 23, "avx512bw": 24, "avx512ifma": 25, "avx512vbmi": 26, "avx512vpopcntdq": 27,
    "avx512vnni": 28, "avx512vbmi2": 29, "avx512bitalg": 30, "avx512bf16": 31, "avx512fp16": 32,
    "amx-tile": 50, "amx-int8": 51, "amx-bf16": 52,
}  # fmt: skip
_ARM_BITS = {
    "fp-armv8": 0, "lse": 1, "lse128": 2, "fullfp16": 10, "fp16fml": 11, "dotprod": 12,
    "i8mm": 13, "bf16": 14, "sve": 20, "sve2": 21, "sme": 30, "sme2": 31,
}  # fmt: skip


def host_architecture() -> str:
    """IREE's name of this machine's architecture: x86_64, arm_64, riscv_64."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


@cache
def host_features() -> dict[str, bool]:
    """LLVM's feature names, and whether this CPU has each."""
    return {str(name): bool(on) for name, on in llvm.get_host_cpu_features().items()}


def processor_data() -> int:
    """First word of IREE's processor data for this CPU."""
    bits = _X86_BITS if host_architecture() == "x86_64" else _ARM_BITS
    features = host_features()
    return sum(1 << bit for name, bit in bits.items() if features.get(name))


class JitModule:
    """Machine code of one module; the code lives as long as this object."""

    def __init__(self, text: str, *, name: str) -> None:
        """Compile LLVM IR (LLVM 22 or 24 text). ExecutableMismatch says what is wrong with it."""
        self.name = name
        with LLVM_LOCK:
            module = parse_module(text, name)
            check_host(module, text, name)
            machine = target_machine()
            optimise(module, machine)
            self._engine: Any = llvm.create_mcjit_compiler(module, machine)
            self._engine.finalize_object()
            self._engine.run_static_constructors()

    def address(self, function: str) -> int:
        """Address of an exported function; ExecutableMismatch if there is none."""
        address = int(self._engine.get_function_address(function))
        if not address:
            raise ExecutableMismatch(f"module {self.name!r} does not define {function!r}")
        return address


def new_context() -> Any:
    """For texts: in the global one, types of modules parsed before give later ones other names."""
    return llvm.create_context()


def parse_module(text: str, name: str, context: Any = None) -> Any:
    """A verified llvmlite module for this process; ExecutableMismatch says what LLVM refuses."""
    _initialise()
    source = with_triple(to_llvm22(text), llvm.get_process_triple())
    try:
        module = llvm.parse_assembly(source, context)
        module.verify()
    except RuntimeError as error:
        raise ExecutableMismatch(f"LLVM refuses the IR of {name!r}: {error}") from error
    return module


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def target_machine() -> Any:
    """The code generator that kernels are compiled with."""
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, codemodel="jitdefault", jit=True
    )


def optimise(module: Any, machine: Any) -> None:
    """The middle end, in place."""
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # SLP vectorisation would also tear products from the sums that they fuse with, so that
    # results differ in the last bit from those of the same kernel in IREE's ELF file.
    options.slp_vectorization = False
    options.loop_vectorization = False
    options.loop_unrolling = False
    options.loop_interleaving = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def check_host(module: Any, text: str, name: str) -> None:
    """What the code generator or the first call would abort on, as an error."""
    triple = re.search(r'^target triple = "([^-"]+)', text, re.MULTILINE)
    wanted = _TRIPLE_ARCHITECTURES.get(triple.group(1), triple.group(1)) if triple else ""
    if wanted and wanted != host_architecture():
        raise ExecutableMismatch(
            f"the IR of {name!r} is for {wanted}, this machine is {host_architecture()}; "
            "compile it for the host"
        )
    host = host_features()
    lists = re.findall(r'"target-features"="([^"]*)"', text)
    wanted_features = {part[1:] for part in ",".join(lists).split(",") if part.startswith("+")}
    missing = sorted(feature for feature in wanted_features if host.get(feature) is False)
    if missing:
        raise ExecutableMismatch(
            f"{name!r} was compiled for a CPU with {', '.join(missing)}, which this one lacks; "
            "compile it with --iree-llvmcpu-target-cpu=host"
        )
    undefined = [
        function.name
        for function in (*module.functions, *module.global_variables)
        if function.is_declaration
        and not function.name.startswith("llvm.")
        and not _resolve(function.name)
    ]
    if undefined:
        raise ExecutableMismatch(f"{name!r} needs symbols this process lacks: {undefined}")


def _resolve(symbol: str) -> bool:
    """Make a symbol of this process known to the JIT, which aborts on symbols it does not find."""
    try:
        address = ctypes.cast(getattr(_process, symbol), ctypes.c_void_p).value
    except AttributeError:
        return False
    llvm.add_symbol(symbol, address)
    return True
