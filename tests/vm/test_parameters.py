"""Parameters beside a program: files that IREE and others write, arrays; IREE's runtime agrees."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import iree.runtime as rt
import numpy as np
import numpy.typing as npt
import pytest
from vm_support import CPU_FLAGS, iree_compile, tool

import ireelab as il
from ireelab.errors import ParameterError
from ireelab.hal.device import Device
from ireelab.hal.registry import create_device, devices
from ireelab.hal.types import BufferUsage, MemoryType
from ireelab.program import Program
from ireelab.vm.parameters_module import ParametersModule, scopes_of
from ireelab.vm.values import VMBuffer

SOURCE = """
util.global private @w = #flow.parameter.named<"model"::"w"> : tensor<4x4xf32>
util.global private mutable @state = #flow.parameter.named<"model"::"state"> : tensor<4xf32>
func.func @main(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<4xf32>) {
  %z = arith.constant 0.0 : f32
  %w = util.global.load @w : tensor<4x4xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = linalg.matmul ins(%x, %w : tensor<2x4xf32>, tensor<4x4xf32>)
                     outs(%f : tensor<2x4xf32>) -> tensor<2x4xf32>
  %s = util.global.load @state : tensor<4xf32>
  %t = arith.addf %s, %s : tensor<4xf32>
  util.global.store %t, @state : tensor<4xf32>
  return %m, %t : tensor<2x4xf32>, tensor<4xf32>
}
"""
X = np.arange(8, dtype=np.float32).reshape(2, 4)
USAGE = int(BufferUsage.DEFAULT | BufferUsage.MAPPING)
MEMORY = int(MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE)

Arrays = Mapping[str, npt.NDArray[np.float32]]


def values() -> dict[str, npt.NDArray[np.float32]]:
    random = np.random.default_rng(1)
    return {
        "w": random.standard_normal((4, 4)).astype(np.float32),
        "state": random.standard_normal(4).astype(np.float32),
    }


def write_irpa(arrays: Arrays, path: Path) -> None:
    """By IREE's runtime."""
    rt.save_archive_file(dict(arrays), path)


def write_safetensors(arrays: Arrays, path: Path) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "np"}}
    offset = 0
    for key, array in arrays.items():
        offsets = [offset, offset + array.nbytes]
        header[key] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        offset += array.nbytes
    text = json.dumps(header).encode()
    data = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_gguf(arrays: Arrays, path: Path) -> None:
    """With metadata of every kind before the tensors, and an alignment of its own."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    pairs = [
        text("general.alignment") + struct.pack("<II", 4, 64),
        text("general.name") + struct.pack("<I", 8) + text("a test"),
        text("a.list") + struct.pack("<IIQ", 9, 5, 3) + struct.pack("<3i", 1, 2, 3),
        text("names") + struct.pack("<IIQ", 9, 8, 2) + text("x") + text("yz"),
        text("scale") + struct.pack("<Id", 12, 0.5),
    ]
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(arrays), len(pairs)) + b"".join(pairs)
    data = b""
    for key, array in arrays.items():
        data += b"\0" * (-len(data) % 64)
        head += text(key) + struct.pack(f"<I{array.ndim}Q", array.ndim, *array.shape[::-1])
        head += struct.pack("<IQ", 0, len(data))
        data += array.tobytes()
    path.write_bytes(head + b"\0" * (-len(head) % 64) + data)


WRITERS = {"irpa": write_irpa, "safetensors": write_safetensors, "gguf": write_gguf}


@pytest.fixture(scope="module")
def vmfb(cpu_program: Callable[..., Path]) -> Path:
    return cpu_program(SOURCE)


def check(program: Program, arrays: Arrays, device: str = "llvm-cpu") -> None:
    with il.Context(program, device) as context:
        product, state = context.invoke("main", X)
        np.testing.assert_allclose(product, X @ arrays["w"], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(state, 2 * arrays["state"])
        np.testing.assert_array_equal(context.invoke("main", X)[1], 4 * arrays["state"])


@pytest.mark.parametrize("kind", WRITERS)
def test_files_of_every_kind(vmfb: Path, kind: str, tmp_path: Path) -> None:
    """What NumPy and IREE's runtime compute of the file; the file stays as it is."""
    path = tmp_path / f"weights.{kind}"
    WRITERS[kind](values(), path)
    before = path.read_bytes()
    program = il.load(vmfb).with_parameters({"model": path})
    check(program, values())
    assert path.read_bytes() == before  # the mutable global was changed, not the file

    (tmp_path / "x.npy").write_bytes(b"")
    np.save(tmp_path / "x.npy", X)
    outputs = [tmp_path / "product.npy", tmp_path / "state.npy"]
    command = [
        tool("iree-run-module"), f"--module={vmfb}", "--device=local-sync", "--function=main",
        f"--parameters=model={path}", f"--input=@{tmp_path / 'x.npy'}",
        *(f"--output=@{output}" for output in outputs),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    for ours, theirs in zip(il.run(program, "main", X).outputs, outputs, strict=True):
        np.testing.assert_array_equal(ours, np.load(theirs))


def test_arrays_and_a_second_file(vmfb: Path, tmp_path: Path) -> None:
    """Several sources make one scope; what comes later wins. Arrays are not changed."""
    arrays = values()
    write_irpa({"w": np.zeros((4, 4), np.float32)}, tmp_path / "zeros.irpa")
    kept = {key: array.copy() for key, array in arrays.items()}
    program = il.load(vmfb).with_parameters({"model": [tmp_path / "zeros.irpa", arrays]})
    check(program, kept)
    check(program, kept)
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, kept[key])


def test_splats(tmp_path: Path) -> None:
    """IREE's compiler writes an archive of zeros that takes no space."""
    path = tmp_path / "zeros.irpa"
    program = Program(iree_compile(SOURCE, *CPU_FLAGS, f"--iree-parameter-splat={path}"))
    zeros = {"w": np.zeros((4, 4), np.float32), "state": np.zeros(4, np.float32)}
    check(program.with_parameters({"model": path}), zeros)


def test_exported_constants(tmp_path: Path) -> None:
    """What the compiler took out of a program comes back."""
    path = tmp_path / "constants.irpa"
    constants = np.arange(256, dtype=np.float32)
    source = f"""
    util.global private @c <inlining_policy = #util.inline.never> =
        dense<{constants.tolist()}> : tensor<256xf32>
    func.func @main(%x: tensor<256xf32>) -> tensor<256xf32> {{
      %c = util.global.load @c : tensor<256xf32>
      %y = arith.addf %x, %c : tensor<256xf32>
      return %y : tensor<256xf32>
    }}"""
    x = np.ones(256, np.float32)
    flags = (f"--iree-parameter-export=side={path}", "--iree-parameter-export-minimum-size=0")
    program = Program(iree_compile(source, *CPU_FLAGS, *flags))
    with pytest.raises(ParameterError, match="needs the scope of parameters 'side'"):
        il.run(program, "main", x)
    (out,) = il.run(program.with_parameters({"side": path}), "main", x).outputs
    np.testing.assert_array_equal(out, constants + 1)


def test_on_vulkan(tmp_path: Path) -> None:
    if not any(d.driver == "vulkan" and d.available for d in devices()):
        pytest.skip("no Vulkan device")
    path = tmp_path / "weights.irpa"
    write_irpa(values(), path)
    trace = il.compile(SOURCE, target="vulkan")
    check(trace.program.with_parameters({"model": path}), values(), "vulkan")


class TestErrors:
    def test_unknown_keys_are_named(self, vmfb: Path) -> None:
        arrays = values()
        arrays["states"] = arrays.pop("state")
        program = il.load(vmfb).with_parameters({"model": arrays})
        with pytest.raises(ParameterError, match="'model::state'; did you mean 'states'"):
            il.run(program, "main", X)

    def test_short_parameters(self, vmfb: Path) -> None:
        arrays = {**values(), "w": np.zeros(3, np.float32)}
        program = il.load(vmfb).with_parameters({"model": arrays})
        with pytest.raises(ParameterError, match=r"bytes \[0, 64\) of parameter 'w', which has 12"):
            il.run(program, "main", X)

    def test_no_such_file(self, vmfb: Path) -> None:
        with pytest.raises(ParameterError, match="No such file"):
            il.load(vmfb).with_parameters({"model": "nowhere.irpa"})

    def test_another_kind_of_file(self, vmfb: Path, tmp_path: Path) -> None:
        path = tmp_path / "weights.npy"
        np.save(path, X)
        with pytest.raises(ParameterError, match="is neither an"):
            il.load(vmfb).with_parameters({"model": path})

    @pytest.mark.parametrize("kind", WRITERS)
    def test_every_truncation(self, kind: str, tmp_path: Path) -> None:
        """Refused, but for padding at the end; never a crash."""
        whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
        WRITERS[kind](values(), whole)
        data = whole.read_bytes()
        for length in range(0, len(data.rstrip(b"\0")), 7):
            cut.write_bytes(data[:length])
            with pytest.raises(ParameterError):
                scopes_of({"": cut})


# --- gather and scatter, which IREE's tools for parameters use -----------------------------------


def table(spans: list[tuple[str, int, int, int]]) -> tuple[VMBuffer, VMBuffer, VMBuffer]:
    """Keys, their text, and spans, as a program passes them."""
    text = "".join(key for key, *_ in spans)
    starts = np.cumsum([0, *(len(key) for key, *_ in spans)])
    keys = b"".join(
        struct.pack("<II", start, len(key)) for start, (key, *_) in zip(starts, spans, strict=False)
    )
    ranges = b"".join(struct.pack("<QQQ", *span) for _, *span in spans)
    keys_buffer, text_buffer, ranges_buffer = (
        VMBuffer(memoryview(data)) for data in (keys, text.encode(), ranges)
    )
    return keys_buffer, text_buffer, ranges_buffer


@pytest.fixture(params=["llvm-cpu", "vulkan"])
def device(request: pytest.FixtureRequest) -> Device:
    if request.param == "vulkan" and not any(
        d.driver == "vulkan" and d.available for d in devices()
    ):
        pytest.skip("no Vulkan device")
    return create_device(request.param)


@pytest.mark.parametrize("fences", [False, True])
def test_gather_and_scatter(device: Device, fences: bool) -> None:
    source = {"a": np.arange(8, dtype=np.int32), "b": np.arange(100, 104, dtype=np.int32)}
    target = {"c": np.zeros(4, np.int32)}
    module = ParametersModule(scopes_of({"in": source, "": target}))
    with device:
        buffer = device.allocator.allocate(MEMORY, USAGE, 32)
        buffer.write(0, bytes(32))
        go, gathered, scattered = (device.create_fence() if fences else None for _ in range(3))
        spans = table([("a", 8, 0, 8), ("b", 0, 16, 16)])
        scope = VMBuffer(memoryview(b"in"))
        module.gather(device, -1, go, gathered, scope, buffer, *spans)
        module.scatter(device, -1, gathered, scattered, buffer, None, *table([("c", 4, 16, 12)]))
        if scattered is not None and go is not None:
            assert not scattered.is_signaled()
            go.signal()
            assert scattered.wait(10_000_000_000)
        assert np.frombuffer(buffer.read(), np.int32).tolist() == [2, 3, 0, 0, 100, 101, 102, 103]
        assert target["c"].tolist() == [0, 100, 101, 102]


def test_files_are_not_written(tmp_path: Path) -> None:
    write_irpa(values(), tmp_path / "w.irpa")
    module = ParametersModule(scopes_of({"": tmp_path / "w.irpa"}))
    with create_device("llvm-cpu") as device:
        buffer = device.allocator.allocate(MEMORY, USAGE, 32)
        with pytest.raises(ParameterError, match="writes parameter 'w'"):
            module.scatter(device, -1, None, None, buffer, None, *table([("w", 0, 0, 8)]))
