"""PGD-20 on Emo18, batch 8, 48,000 samples: SERAPH (isolated, judged, recorded) against the bare gradients in ONNX
Runtime and against PyTorch eager, with its default allocator and with raised malloc thresholds. Everything on the same
cores, interleaved, each engine in processes of its own.

    python3 pgd20.py SERAPH SHARED [ROUNDS]     # needs torch, onnx, onnxruntime, numpy

SERAPH is the release binary, SHARED the folder with corpora/emodb and victims/. Seconds are per batch of 8 items.
A run of SERAPH also reads the corpus, predicts all clean items and starts its workers; a run with the attack `null`
does all of that and the judging, so the difference of the two is what the attack itself costs in isolation.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
seraph, shared = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
model, reference = shared / "victims/emo18-emodb.onnx", shared / "victims/emo18-emodb.reference.npz"
threads = str(os.cpu_count())
PLAN = """name = "pgd20"
seed = 1
[corpus]
id = "emodb"
path = "{corpus}"
split = "test"
[[victim]]
plugin = "victim-onnx"
model = "{model}"
[[attack]]
plugin = "{attack}"
[[threat]]
access = "white-box"
norm = "linf"
eps = [0.001]
queries = 1000
"""


def python(script, *args, **environment):
    output = subprocess.run([sys.executable, HERE / script, *map(str, args)], capture_output=True, text=True,
                            check=True, env=os.environ | environment).stdout
    return statistics.median(json.loads(output))


def run(attack, folder):
    plan = folder / f"{attack}.toml"
    plan.write_text(PLAN.format(corpus=shared / "corpora/emodb", model=model, attack=attack))
    out = folder / f"{attack}-{time.monotonic_ns()}"
    start = time.perf_counter()
    subprocess.run([seraph, "run", plan, "--out", out], check=True, capture_output=True)
    seconds = time.perf_counter() - start
    (timing,) = (json.loads(p.read_text()) for p in (out / "timings").glob("*.json"))
    return seconds * 8 / timing["attacked"]


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    gradient = folder / "gradient.onnx"
    subprocess.run([seraph, "grad", model, "--output", gradient, "--shape", "audio=8x48000"], check=True,
                   capture_output=True)
    tuned = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
    times = {}
    for _ in range(rounds):
        for name, measure in [
            ("PyTorch eager", lambda: python("pgd_torch.py", model, reference, 1, threads)),
            ("PyTorch eager, malloc tuned", lambda: python("pgd_torch.py", model, reference, 1, threads, **tuned)),
            ("bare ONNX Runtime", lambda: python("bare_onnxruntime.py", gradient, reference, 2, threads)),
            ("SERAPH run, pgd", lambda: run("pgd", folder)),
            ("SERAPH run, null", lambda: run("null", folder)),
        ]:
            times.setdefault(name, []).append(measure())
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:28} {median[name]:7.2f} s  (from {min(values):.2f} to {max(values):.2f})")
    isolated = median["SERAPH run, pgd"] - median["SERAPH run, null"]
    print(f"isolated attack / bare       {isolated / median['bare ONNX Runtime']:7.3f}")
    print(f"whole run / bare             {median['SERAPH run, pgd'] / median['bare ONNX Runtime']:7.3f}")
    for name in ("PyTorch eager", "PyTorch eager, malloc tuned"):
        print(f"{name + ' / whole run':44} {median[name] / median['SERAPH run, pgd']:7.3f}")
