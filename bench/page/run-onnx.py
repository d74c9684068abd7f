# Times an ONNX file in Python's onnxruntime: run-onnx.py FILE THREADS
import json
import sys
import time

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
feeds = {
    port.name: numpy.random.default_rng(1).random(port.shape, dtype=numpy.float32) for port in session.get_inputs()
}
times = []
for _ in range(8):
    start = time.perf_counter()
    session.run(None, feeds)
    times.append(time.perf_counter() - start)
print(json.dumps({"msPerFrame": 1000 * sorted(times[1:])[3], "version": onnxruntime.__version__}))
