"""Trains the two small victims of `seraph demo` on the synthetic corpus and exports them to ONNX.

    cargo run --release --package seraph-data --example export_synthetic -- CORPUS 1 2 3 4
    python3 train.py CORPUS OUT        # torch 2.15.0, onnx 1.23.2

Speakers of the split `test` are never seen. Only seed 1 of the other speakers is the corpus itself; seeds 2 to 4
are more utterances of the same voices.
"""
import csv
import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = ["anger", "happiness", "neutral", "sadness"]
SAMPLE_RATE, N_SAMPLES = 16000, 16000


def read(path):
    with wave.open(str(path)) as f:
        samples = np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.float32) / 32768
    return np.resize(samples, N_SAMPLES)  # tiled when short, cut at the head when long


def load(folder, split, seeds):
    rows = [r for r in csv.DictReader(open(folder / "manifest.csv")) if r["split"] == split]
    rows = [r for r in rows if r["path"].rsplit("-", 1)[1][:-4] in seeds]
    x = torch.tensor(np.stack([read(folder / r["path"]) for r in rows]))
    return x, torch.tensor([CLASSES.index(r["emotion"]) for r in rows])


def normalise(audio):
    x = audio - audio.mean(1, keepdim=True)
    return x / ((x * x).mean(1, keepdim=True).sqrt() + 1e-5)


class Emo18Mini(nn.Module):
    """Tzirakis et al. 2018, narrowed: three convolutions on the waveform, one LSTM, mean over time."""

    arch = "Emo18-mini: Conv1d 1-16 k8, 16-32 k6, 32-32 k6, LeakyReLU, MaxPool 10/8/4; LSTM 32; mean over time"

    def __init__(self):
        super().__init__()
        shapes = [(1, 16, 8, 3), (16, 32, 6, 2), (32, 32, 6, 2)]
        self.convs = nn.ModuleList(nn.Conv1d(i, o, k, padding=p, bias=False) for i, o, k, p in shapes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(o) for _, o, _, _ in shapes)
        self.lstm = nn.LSTM(32, 32, batch_first=True)
        self.fc = nn.Linear(32, len(CLASSES))

    def forward(self, audio):
        x = normalise(audio).unsqueeze(1)
        for conv, norm, pool in zip(self.convs, self.norms, (10, 8, 4)):
            x = F.max_pool1d(F.leaky_relu(norm(conv(x)), 0.01), pool)
        x, _ = self.lstm(x.transpose(1, 2))
        return self.fc(x).mean(1)


class Cnn4Mini(nn.Module):
    """Ren et al. 2020, narrowed, with its log-mel front end inside the graph."""

    arch = "CNN-4-mini: in-graph log-mel (Hann 256, hop 128, 32 HTK triangles 60-8000 Hz), conv3x3 8-16-32-32, max"

    def __init__(self):
        super().__init__()
        n_fft, n_mels = 256, 32
        n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)
        angle = 2 * np.pi * np.outer(k, n) / n_fft
        self.register_buffer("cosine", torch.tensor(window * np.cos(angle)).float().unsqueeze(1))
        self.register_buffer("sine", torch.tensor(window * np.sin(angle)).float().unsqueeze(1))
        mel = np.linspace(*(2595 * np.log10(1 + np.array([60, 8000]) / 700)), n_mels + 2)
        hz = 700 * (10 ** (mel / 2595) - 1)
        bins = k * SAMPLE_RATE / n_fft
        up = (bins[:, None] - hz[None, :-2]) / (hz[1:-1] - hz[:-2])
        down = (hz[None, 2:] - bins[:, None]) / (hz[2:] - hz[1:-1])
        self.register_buffer("mel", torch.tensor(np.maximum(0, np.minimum(up, down))).float())
        self.input_norm = nn.BatchNorm1d(n_mels)
        widths = [1, 8, 16, 32, 32]
        pairs = list(zip(widths, widths[1:]))
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o in pairs)
        self.fc = nn.Linear(32, len(CLASSES))

    def forward(self, audio):
        x = normalise(audio).unsqueeze(1)
        power = F.conv1d(x, self.cosine, stride=128) ** 2 + F.conv1d(x, self.sine, stride=128) ** 2
        x = torch.log(power.transpose(1, 2) @ self.mel + 1e-3)
        x = self.input_norm(x.transpose(1, 2)).unsqueeze(1)
        for conv, norm in zip(self.convs, self.norms):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.fc(x.amax((2, 3)))


def train(model, x, y, val, epochs, generator):
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * (len(x) // 32))
    for _ in range(epochs):
        model.train()
        order = torch.randperm(len(x), generator=generator)
        for i in range(len(x) // 32):
            batch = order[32 * i : 32 * i + 32]
            noise = 10 ** (-torch.rand(32, 1, generator=generator) - 2.2)
            audio = x[batch] + noise * torch.randn(32, N_SAMPLES, generator=generator)
            optimizer.zero_grad()
            F.cross_entropy(model(audio), y[batch], label_smoothing=0.05).backward()
            optimizer.step()
            schedule.step()
    return accuracy(model, *val)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return round((model(x).argmax(1) == y).float().mean().item(), 4)


def export(model, name, out, card):
    path = out / f"{name}.onnx"
    dynamic = {"audio": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(model.eval(), torch.zeros(2, N_SAMPLES), str(path), input_names=["audio"],
                      output_names=["logits"], dynamic_axes=dynamic, opset_version=17, dynamo=False)
    proto = onnx.load(path)
    metadata = {"classes": ",".join(CLASSES), "sample_rate": SAMPLE_RATE, "n_samples": N_SAMPLES, "arch": model.arch}
    onnx.helper.set_model_props(proto, {k: str(v) for k, v in metadata.items()})
    onnx.save(proto, path)
    (out / f"{name}.json").write_text(json.dumps(metadata | {"classes": CLASSES} | card, indent=1) + "\n")


def main():
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(2)
    x, y = load(corpus, "train", {"1", "2", "3", "4"})
    val, test = load(corpus, "val", {"1"}), load(corpus, "test", {"1"})
    for model_class, name, epochs in [(Emo18Mini, "emo18-mini", 16), (Cnn4Mini, "cnn4-mini", 12)]:
        torch.manual_seed(1)
        model = model_class()
        train(model, x, y, val, epochs, torch.Generator().manual_seed(1))
        clean = {"train": accuracy(model, x, y), "val": accuracy(model, *val), "test": accuracy(model, *test)}
        parameters = sum(p.numel() for p in model.parameters())
        print(name, parameters, clean)
        export(model, name, out, {"corpus": "synthetic", "parameters": parameters, "clean_accuracy": clean,
                                  "epochs": epochs, "torch_version": torch.__version__})


main()
