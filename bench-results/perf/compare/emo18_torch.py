"""Emo18 in PyTorch with the weights of an exported ONNX file (batch normalisation is already folded there, which
favours PyTorch a little)."""
import numpy as np
import onnx
import torch
from onnx import numpy_helper


class Emo18(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        arrays = [numpy_helper.to_array(i).copy() for i in onnx.load(path).graph.initializer]
        convs = [a for a in arrays if a.ndim == 3 and a.shape[0] != 1]
        biases = {a.shape[0]: a for a in arrays if a.ndim == 1}
        self.blocks = torch.nn.ModuleList()
        for weight, padding in zip(convs, (3, 2, 2)):
            conv = torch.nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2], padding=padding)
            conv.weight.data, conv.bias.data = torch.tensor(weight), torch.tensor(biases[weight.shape[0]])
            self.blocks.append(conv)
        self.lstm = torch.nn.LSTM(256, 256, num_layers=2, batch_first=True)
        gates = [a for a in arrays if a.ndim == 3 and a.shape[0] == 1]
        gate_biases = [a for a in arrays if a.ndim == 2 and a.shape[0] == 1]
        for layer in range(2):
            w, r, b = gates[2 * layer], gates[2 * layer + 1], gate_biases[layer]
            getattr(self.lstm, f"weight_ih_l{layer}").data = torch.tensor(ifgo(w[0]))
            getattr(self.lstm, f"weight_hh_l{layer}").data = torch.tensor(ifgo(r[0]))
            getattr(self.lstm, f"bias_ih_l{layer}").data = torch.tensor(ifgo(b[0, :1024]))
            getattr(self.lstm, f"bias_hh_l{layer}").data = torch.tensor(ifgo(b[0, 1024:]))
        (head,) = [a for a in arrays if a.ndim == 2 and a.shape[0] != 1]
        self.fc = torch.nn.Linear(256, head.shape[1])
        self.fc.weight.data, self.fc.bias.data = torch.tensor(head.T.copy()), torch.tensor(biases[head.shape[1]])
        self.eval()

    def forward(self, audio):
        x = audio - audio.mean(1, keepdim=True)
        x = x / ((x * x).mean(1, keepdim=True).sqrt() + 1e-5)
        x = x.unsqueeze(1)
        for conv, pool in zip(self.blocks, (10, 8, 8)):
            x = torch.nn.functional.max_pool1d(torch.nn.functional.leaky_relu(conv(x), 0.01), pool)
        x, _ = self.lstm(x.transpose(1, 2))
        return self.fc(x).mean(1)


def ifgo(a):
    """ONNX orders the gates input, output, forget, cell; PyTorch input, forget, cell, output."""
    i, o, f, c = np.split(a, 4)
    return np.concatenate([i, f, c, o])
