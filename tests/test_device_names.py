"""What users write and see of devices: names, moving, conversions, pickles, `minigrad.cuda` (on the stand-in)."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, devices

from . import stand_in as package


class DeviceOfTorch:
    """PyTorch's devices print as their names."""

    __module__ = "torch"

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


DeviceOfTorch.__name__ = "device"


def same_gpu() -> list[Any]:
    cupy = __import__("cupy")
    return ["cuda", "cuda:0", 0, np.array(0).item(), cupy.cuda.Device(0), DeviceOfTorch("cuda:0")]


def test_a_gpu_may_be_named_in_many_ways(stand_in: Any) -> None:
    x = Tensor([1.0, 2.0])
    for device in same_gpu():
        made = [
            x.to(device), x.to(device=device), x.cuda(device), Tensor([1.0], device=device), mg.zeros(2, device=device),
            mg.full(2, 3.0, device=device), mg.arange(3, device=device), mg.array([1.0], device=device),
            np.zeros_like(x).to(device), mg.random.rand(2, device=device), mg.to_device(x, device),
            nn.Linear(2, 1).to(device).weight, nn.Linear(2, 1, device=device).weight, nn.Linear(2, 1).cuda(device).weight,
        ]  # fmt: skip
        assert {t.device for t in made} == {"cuda:0"}
    assert x.cuda().device == nn.Linear(2, 1).cuda().weight.device == "cuda:0"
    assert x.to(DeviceOfTorch("cpu")) is x.to("cpu") is x.cpu() is x
    assert mg.zeros(2, device="cpu").device == mg.zeros(2, device=None).device == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", "cuda:", "CUDA", "cuda:-1", "cuda:\u0661", "cuda:1.0", -1, True, 1.5])
def test_what_is_no_device_is_refused_everywhere(stand_in: Any, name: Any) -> None:
    for make in (
        lambda: mg.to_device(Tensor(1.0), name), lambda: Tensor(1.0, device=name), lambda: mg.zeros(2, device=name),
        lambda: mg.random.rand(2, device=name), lambda: Tensor(1.0).cuda(name), lambda: nn.Linear(2, 1, device=name),
        lambda: mg.arange(3, device=name), lambda: mg.full(2, 1.0, device=name),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="unknown device .*write 'cpu', 'cuda'"):
            make()


def test_to_takes_a_device_a_dtype_both_or_a_tensor(stand_in: Any) -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    like = Tensor(np.ones(1), device="cuda")
    for y in (x.to("cuda", "float64"), x.to(device=0, dtype=np.float64), x.to(like), x.to("float64", 0)):
        assert (y.device, y.dtype) == ("cuda:0", np.float64)
        x.grad = None
        y.sum().backward()
        assert (x.grad.device, x.grad.dtype) == ("cpu", np.float32)
    model = nn.Linear(2, 1).to(like)
    assert (model.weight.device, model.weight.dtype) == ("cuda:0", np.float64)


def test_conversions_to_numpy_say_how(stand_in: Any) -> None:
    x = Tensor([[1.0, 2.0]], device="cuda")
    for convert in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.array(x)):
        with pytest.raises(TypeError, match=r"tensor on cuda:0: copy it first, x\.cpu\(\)\.numpy\(\)"):
            convert()
    assert x.cpu().numpy().tolist() == x.tolist() == [[1.0, 2.0]]
    assert (x[0, 1].item(), x.item(1), float(x[0, 0]), int(x[0, 1]), bool(x[0, 0] > 0)) == (2.0, 2.0, 1.0, 2, True)
    assert (len(x), 2.0 in x, 5.0 in x, f"{x:.1f}", f"{x[0, 0]:.2f}") == (1, True, False, "[[1.0 2.0]]", "1.00")
    assert repr(x) == "Tensor([[1., 2.]], dtype=float32, device=cuda:0)"
    assert str(x.sum()) == "Tensor(3., dtype=float32, device=cuda:0)"


def test_arrays_of_cupys_become_tensors_that_share_their_memory(stand_in: Any) -> None:
    cupy = __import__("cupy")
    array = cupy.ones(2, "float32")
    x = Tensor(array)
    array[0] = 5.0
    assert (x.device, x.tolist()) == ("cuda:0", [5.0, 1.0])
    assert Tensor(array, dtype="float64").dtype == np.float64
    assert Tensor(array, device="cpu").numpy().tolist() == [5.0, 1.0]


def test_arrays_of_other_libraries_on_a_gpu_become_tensors(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's and numba's arrays on a GPU speak no protocol of NumPy's; CuPy takes them."""
    cupy = __import__("cupy")
    values = cupy.ones(2, "float32")

    class Foreign:
        __cuda_array_interface__ = {"shape": (2,), "typestr": "<f4", "data": (0, False), "version": 3}

    asarray = cupy.asarray
    monkeypatch.setattr(cupy, "asarray", lambda x: values if isinstance(x, Foreign) else asarray(x))
    x = Tensor(Foreign())
    assert x.data is values
    assert Tensor(Foreign(), device="cpu").tolist() == [1.0, 1.0]


def test_dlpack_of_a_device_that_is_not_known_says_so() -> None:
    class Foreign:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 8, 0

    with pytest.raises(ValueError, match="DLPack's kind 8; minigrad knows 1 .*and 2"):
        mg.from_dlpack(Foreign())
    assert mg.from_dlpack(Tensor([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_copies_stay_on_the_gpu_and_pickles_come_back_to_it(stand_in: Any) -> None:
    x = nn.Parameter([1.0, 2.0], device="cuda")
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (type(other), other.device, other.tolist()) == (nn.Parameter, "cuda:0", [1.0, 2.0])
        assert other.data is not x.data


def test_a_pickle_from_a_gpu_is_on_the_cpu_where_there_is_no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    with package.installed():
        data = pickle.dumps(Tensor([1.0, 2.0], device="cuda", name="x"))
    assert b"cupy" not in data
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)  # an import fails
    with pytest.warns(UserWarning, match="pickled on cuda:0 is on the cpu now: .*needs CuPy"):
        x = pickle.loads(data)
    assert (x.device, x.name, x.tolist()) == ("cpu", "x", [1.0, 2.0])


def test_new_tensors_are_made_on_the_gpu_itself(stand_in: Any) -> None:
    like = Tensor([1.0], device="cuda")
    with package.counting() as count:
        mg.zeros((1000, 1000), device="cuda")
        mg.ones(3, like=like)
        mg.full(3, 2.0, device="cuda")
        mg.eye(3, like=like)
        mg.tri(3, like=like)
        mg.arange(10, device="cuda")
    assert (count.uploads, count.syncs) == (0, 0)


# ---------------------------------------------------------------------------------- minigrad.cuda


def test_there_is_no_gpu() -> None:
    if devices.cuda_is_available():
        pytest.skip("this machine has a GPU")
    assert (mg.cuda.is_available(), mg.cuda.device_count()) == (False, 0)
    for call in (mg.cuda.current_device, mg.cuda.synchronize, mg.cuda.memory_allocated, lambda: mg.cuda.device(0)):
        with pytest.raises((ImportError, RuntimeError), match="device 'cuda'"):
            call()


def test_the_gpus_of_a_machine(two_gpus: Any) -> None:
    assert (mg.cuda.is_available(), mg.cuda.device_count(), mg.cuda.current_device()) == (True, 2, 0)
    with mg.cuda.device("cuda:1"), package.counting() as count:
        assert mg.cuda.current_device() == 1
        mg.cuda.synchronize()
    assert count.syncs == 1
    assert mg.cuda.memory_allocated(1) <= mg.cuda.memory_reserved("cuda:1")
    mg.cuda.empty_cache()
    with pytest.raises(ValueError, match="the cpu is no GPU"):
        mg.cuda.device("cpu")
    with pytest.raises(AttributeError, match=r"manual_seed_all.*minigrad\.random\.manual_seed"):
        mg.cuda.manual_seed_all(0)
