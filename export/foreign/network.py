"""A foreign network in ONNX Runtime."""

from typing import cast

import numpy as np
import onnxruntime

from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.onnxruntime import open_session, reason
from pmsgan.errors import EngineError
from pmsgan.export.foreign.pixels import PictureFormat, Values, to_network, to_pictures

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class Network:
    """A foreign network in ONNX Runtime."""

    def __init__(self, data: bytes) -> None:
        """Open it; raise EngineError if ONNX Runtime refuses it."""
        self._session: onnxruntime.InferenceSession = open_session(data)
        (self._input,) = self._session.get_inputs()
        self.dtype = _TYPES[self._input.type]

    def run(self, values: Values, output: str) -> Values:
        """Run it; raise EngineError where it cannot take the values."""
        try:
            (result,) = self._session.run([output], {self._input.name: values})
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise EngineError(reason(error)) from error
        return cast(Values, result)

    def translate(self, pictures: Pictures, form: PictureFormat, output: str) -> Pictures:
        """Translate uint8 [N, H, W, 3] BGR, picture by picture."""
        rows = [
            to_pictures(self.run(to_network(picture[None], form, self.dtype), output), form)
            for picture in pictures
        ]
        return np.concatenate(rows)
