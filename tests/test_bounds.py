"""The kernel's limits for native code."""

import sys

import numpy as np
import pytest
from in_child import allocate, spin

from pmsgan.bounds import bounds
from pmsgan.child import call_in_child
from pmsgan.errors import ChildError

if sys.platform != "linux":
    pytest.skip("only Linux counts both", allow_module_level=True)


def test_what_takes_too_much_is_refused_in_one_line() -> None:
    with pytest.raises(ChildError, match=r"^it takes too much CPU time$"):
        call_in_child(spin, 0.1)
    with pytest.raises(ChildError, match=r"^it takes too much memory$"):
        call_in_child(allocate, 2**31)
    assert call_in_child(allocate, 2**20) == 2**20


def test_the_limits_end_with_the_block() -> None:
    with bounds(seconds=100.0, num_bytes=2**20), pytest.raises(MemoryError):
        np.zeros(2**31, np.uint8)
    assert np.zeros(2**28, np.uint8).size == 2**28
