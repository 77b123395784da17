"""An FP16 graph whose means are summed in FP32."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper, shape_inference

from pmsgan.engine.widen import widen_means

BYTE, HALF, SINGLE = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
SIDES = [1, 300, 300, 3]


def mean_graph() -> bytes:
    """Return a graph in FP16 that gives the mean of each color, in FP16 and once more in FP32."""
    axes = numpy_helper.from_array(np.array([1, 2]), "axes")
    made = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["x"], to=HALF),
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"]),
            helper.make_node("Cast", ["x"], ["y"], to=SINGLE),
            helper.make_node("ReduceMean", ["y", "axes"], ["single"]),
        ],
        "mean",
        [helper.make_tensor_value_info("image", BYTE, SIDES)],
        [
            helper.make_tensor_value_info("mean", HALF, [1, 1, 1, 3]),
            helper.make_tensor_value_info("single", SINGLE, [1, 1, 1, 3]),
        ],
        [axes],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    return bytes(model.SerializeToString())


def test_means_of_half_precision_are_summed_in_single_precision() -> None:
    wide = widen_means(mean_graph())
    model = onnx.load_model_from_string(wide)
    onnx.checker.check_model(model)
    inferred = shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {it.name: it.type.tensor_type.elem_type for it in inferred.value_info}
    means = [node for node in model.graph.node if node.op_type == "ReduceMean"]
    assert [types[node.input[0]] for node in means] == [SINGLE, SINGLE]
    assert len(model.graph.node) == 6  # the second one is as it was
    pictures = np.random.default_rng(0).integers(0, 256, SIDES, dtype=np.uint8)
    mean, single = onnxruntime.InferenceSession(wide).run(None, {"image": pictures})
    assert mean.dtype == np.float16
    np.testing.assert_allclose(mean, pictures.mean(axis=(1, 2), keepdims=True), rtol=1e-3)
    np.testing.assert_allclose(single, pictures.mean(axis=(1, 2), keepdims=True), rtol=1e-6)
