"""The bare cost of PGD-20's gradients: 20 runs of a differentiated model on one batch through ONNX Runtime in one
process, nothing else. Prints seconds per 20 runs as a JSON list.

Usage: bare_onnxruntime.py GRADIENT.onnx REFERENCE.npz REPEATS THREADS
"""
import json
import sys
import time

import numpy as np
import onnxruntime

path, reference, repeats, threads = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
options.enable_mem_pattern = False
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feed = {"audio": reference["audio"], "labels": reference["labels"].astype(np.int64)}
seconds = []
for _ in range(repeats + 1):
    start = time.perf_counter()
    for _ in range(20):
        session.run(["logits", "loss", "d_audio"], feed)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[1:]))
