"""The first and the last operators of a network tell the range of its values."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pmsgan.export.foreign.ends import input_scale, output_range


def chain(*steps: tuple[object, ...]) -> onnx.ModelProto:
    """A model of operators in a row, each with its constants; `left` puts these first."""
    nodes, constants, last = [], [], "x"
    for number, (kind, *values) in enumerate(steps):
        names = [f"c{number}_{place}" for place, _ in enumerate(values)]
        constants += [
            numpy_helper.from_array(np.asarray(value, np.float32), name)
            for value, name in zip(values, names, strict=True)
        ]
        operator = str(kind).removeprefix("left ")
        inputs = [*names, last] if operator != kind else [last, *names]
        last = f"v{number}"
        nodes.append(helper.make_node(operator, inputs, [last]))
    values = [
        helper.make_tensor_value_info(it, TensorProto.FLOAT, [None] * 4) for it in ("x", last)
    ]
    return helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], constants))


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ((("Conv",), ("Tanh",)), (-1, 1)),
        ((("Sigmoid",), ("Transpose",), ("Expand",)), (0, 1)),
        ((("Tanh",), ("Add", 1.0), ("Mul", 127.5)), (0, 255)),
        ((("Tanh",), ("left Add", [1.0]), ("Div", 2.0), ("Cast",)), (0, 1)),
        ((("Sigmoid",), ("left Sub", 1.0)), (0, 1)),
        ((("Conv",), ("Clip", 0.0, 255.0), ("Cast",)), (0, 255)),
        ((("Sigmoid",), ("Mul", 2.0), ("Sub", 1.0), ("Resize",)), (-1, 1)),
        ((("Tanh",), ("Conv",)), None),
        ((("Tanh",), ("Mul", [1.0, 2.0, 3.0])), None),
        ((("Tanh",), ("Div", 0.0)), None),
        ((("Conv",), ("Clip",)), None),
    ],
)
def test_the_range_of_results_is_read_from_the_end(
    steps: tuple[tuple[object, ...], ...], wanted: tuple[float, float] | None
) -> None:
    model = chain(*steps)
    found = output_range(model, model.graph.output[0].name)
    assert (found and found[0]) == (wanted if wanted is None else pytest.approx(wanted))


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ((("Conv",), ("Tanh",)), None),
        ((("Div", 255.0), ("Conv",)), (1 / 255, 0)),
        ((("Transpose",), ("Mul", 2 / 255), ("Sub", 1.0), ("Conv",)), (2 / 255, -1)),
        ((("Sub", [0.485, 0.456, 0.406]), ("Div", [0.229, 0.224, 0.225])), (4.42, -1.99)),
        ((("left Mul", 2.0), ("Add", -1.0)), (2, -1)),
    ],
)
def test_the_scale_of_pictures_is_read_from_the_start(
    steps: tuple[tuple[object, ...], ...], wanted: tuple[float, float] | None
) -> None:
    found = input_scale(chain(*steps), "x")
    assert found == (wanted if wanted is None else pytest.approx(wanted, abs=0.01))
