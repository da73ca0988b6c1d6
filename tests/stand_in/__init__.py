"""A stand-in for a GPU on machines without one: a module `cupy` of its own, computed by NumPy.

    with stand_in.installed():
        x = Tensor([1.0, 2.0], device="cuda")  # minigrad's own device code runs

    with stand_in.installed(), stand_in.counting() as count:
        model(x)
    count.launches, count.syncs, count.names

Tests take the fixture `stand_in`.  What CuPy refuses is refused here, by a table of its real signatures
(cupy.txt); what it does in another way than NumPy stands in rules.py.  Files:

| file | subject |
|---|---|
| table.py, cupy.txt | what CuPy has: functions, signatures, dtypes of ufuncs |
| counts.py, launches.py | counting launches, synchronisations and copies |
| device.py | several devices, the current one |
| graphs.py | capturing launches, and CUDA graphs |
| cublas.py | products of matrices at addresses |
| memory.py | where arrays lie |
| values.py | what may be given to a kernel; results as arrays of the stand-in |
| array.py, ufunc.py, function.py | cupy.ndarray, cupy.add, cupy.sum |
| rules.py | values that CuPy takes or gives in another way |
| random.py, raw.py | cupy.random, cupy.RawModule |
| modules.py | the modules `cupy` and `cupyx`, and putting them in place |
"""

from .array import ndarray
from .counts import Count, counting
from .modules import installed

__all__ = ["Count", "counting", "installed", "ndarray"]
