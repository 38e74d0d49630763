"""PGD-20 (Linf, eps/4, random start) on Emo18 in PyTorch eager: prints seconds per batch as a JSON list.

Usage: pgd_torch.py MODEL.onnx REFERENCE.npz REPEATS THREADS
"""
import json
import sys
import time

import numpy as np
import torch

from emo18_torch import Emo18

model_path, reference, repeats, threads = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
model = Emo18(model_path)
for parameter in model.parameters():
    parameter.requires_grad_(False)
x0 = torch.tensor(reference["audio"])
labels = torch.tensor(reference["labels"]).long()
gap = (model(x0) - torch.tensor(reference["logits"])).abs().max().item()
assert gap < 1e-3, f"the rebuilt model differs from the exported one by {gap}"


def pgd(eps, steps):
    x = (x0 + torch.empty_like(x0).uniform_(-eps, eps)).clamp(-1, 1)
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        (gradient,) = torch.autograd.grad(loss, x)
        x = x.detach() + eps / 4 * gradient.sign()
        x = (x0 + (x - x0).clamp(-eps, eps)).clamp(-1, 1)
    return x


seconds = []
for _ in range(repeats + 1):
    start = time.perf_counter()
    pgd(0.001, 20)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[1:]))
