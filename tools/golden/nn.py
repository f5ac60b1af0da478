#!/usr/bin/env python3
"""Makes tests/golden/nn: PyTorch's layers, functions and losses, and a GPT made of them, on small made-up inputs.

Run with a Python that has torch, numpy and safetensors:  python3 tools/golden/nn.py
For each layer: LAYER.param.PATH, LAYER.x, LAYER.y, LAYER.cotangent, and the gradients of sum(y * cotangent):
LAYER.grad.PATH and LAYER.grad_x. Batch norm also has LAYER.after.PATH, its buffers after the call, and LAYER.y_eval.
"""
import os
import sys

sys.path.pop(0)  # this folder has a safetensors.py of its own

import torch
from safetensors.torch import save_file
from torch import nn

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden", "nn")


def spread(module):
    """Parameters that differ from their initial ones and zeros, so that biases and norms count."""
    for p in module.parameters():
        p.data.copy_(torch.randn(p.shape) * 0.4)


def record(tensors, name, module, x, call=None):
    spread(module)
    for path, p in module.state_dict().items():
        tensors[f"{name}.param.{path}"] = p.detach().clone()
    if x.is_floating_point():
        x.requires_grad_(True)
    y = (call or module)(x)
    cotangent = torch.randn(y.shape)
    (y * cotangent).sum().backward()
    tensors.update({f"{name}.x": x, f"{name}.y": y, f"{name}.cotangent": cotangent})
    for path, p in module.named_parameters():
        tensors[f"{name}.grad.{path}"] = p.grad
    if x.grad is not None:
        tensors[f"{name}.grad_x"] = x.grad


def layers():
    t = {}
    record(t, "linear", nn.Linear(5, 3), torch.randn(2, 4, 5))
    record(t, "linear_no_bias", nn.Linear(4, 2, bias=False), torch.randn(3, 4))
    record(t, "embedding", nn.Embedding(6, 3), torch.tensor([[1, 5, 1], [0, 2, 5]]))
    record(t, "conv1d", nn.Conv1d(2, 3, 3, stride=2, padding=1), torch.randn(2, 2, 7))
    record(t, "conv2d", nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), torch.randn(2, 4, 6, 7))
    record(t, "conv3d", nn.Conv3d(1, 2, 2), torch.randn(1, 1, 3, 4, 3))
    record(t, "conv_transpose1d", nn.ConvTranspose1d(2, 3, 4, stride=2, padding=1), torch.randn(2, 2, 5))
    record(t, "conv_transpose2d", nn.ConvTranspose2d(4, 6, 3, stride=(2, 1), padding=1, output_padding=(1, 0), groups=2),
           torch.randn(1, 4, 3, 4))
    record(t, "layer_norm", nn.LayerNorm(6), torch.randn(3, 6))
    record(t, "rms_norm", nn.RMSNorm(6, eps=1e-6), torch.randn(3, 6))
    record(t, "group_norm", nn.GroupNorm(2, 4), torch.randn(2, 4, 3, 2))
    batch_norm = nn.BatchNorm2d(3)
    record(t, "batch_norm", batch_norm, torch.randn(4, 3, 2, 2) + 1)
    for path, b in batch_norm.named_buffers():
        t[f"batch_norm.after.{path}"] = b.clone()
    t["batch_norm.y_eval"] = batch_norm.eval()(t["batch_norm.x"])
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    record(t, "attention", attention, torch.randn(2, 4, 8), lambda x: attention(x, x, x, need_weights=False)[0])
    causal = nn.MultiheadAttention(8, 2, batch_first=True, bias=False)
    mask = torch.ones(5, 5).triu(1).bool()
    record(t, "causal_attention", causal, torch.randn(2, 5, 8), lambda x: causal(x, x, x, attn_mask=mask, need_weights=False)[0])
    lstm = nn.LSTM(3, 4, num_layers=2, batch_first=True)
    record(t, "lstm", lstm, torch.randn(2, 5, 3), lambda x: lstm(x)[0])
    both = nn.LSTM(3, 2, batch_first=True, bidirectional=True)
    record(t, "lstm_both", both, torch.randn(2, 4, 3), lambda x: both(x)[0])
    gru = nn.GRU(3, 4, num_layers=2, batch_first=True)
    record(t, "gru", gru, torch.randn(2, 5, 3), lambda x: gru(x)[0])
    return t


class RotaryAttention(nn.Module):
    """Causal self-attention with fewer key heads than query heads and rotary positions, as in Llama; the parameters of
    strata::nn::MultiHeadAttention. The rotation is written from the paper (Su et al. 2021), by complex numbers."""

    def __init__(self, width, heads, key_heads, base):
        super().__init__()
        self.heads, self.key_heads, self.base, self.depth = heads, key_heads, base, width // heads
        self.in_proj_weight = nn.Parameter(torch.empty(width + 2 * key_heads * self.depth, width))
        self.in_proj_bias = nn.Parameter(torch.empty(width + 2 * key_heads * self.depth))
        self.out_proj = nn.Linear(width, width)

    def turned(self, x):
        half = self.depth // 2
        angle = torch.outer(torch.arange(x.shape[2]).double(), self.base ** (-torch.arange(half).double() / half))
        turned = torch.complex(x[..., :half].double(), x[..., half:].double()) * torch.polar(torch.ones_like(angle), angle)
        return torch.cat([turned.real, turned.imag], -1).float()

    def forward(self, x):
        parts = nn.functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        parts = parts.unflatten(-1, (-1, self.depth)).transpose(1, 2)
        q, k, v = parts.split([self.heads, self.key_heads, self.key_heads], 1)
        y = nn.functional.scaled_dot_product_attention(self.turned(q), self.turned(k), v, is_causal=True, enable_gqa=True)
        return self.out_proj(y.transpose(1, 2).flatten(2))


def more_layers():
    t = {}
    record(t, "conv_transpose3d", nn.ConvTranspose3d(2, 3, 2, stride=(2, 1, 2), padding=(1, 0, 0)), torch.randn(2, 2, 3, 2, 3))
    record(t, "rotary_attention", RotaryAttention(16, 4, 2, 1000.0), torch.randn(2, 5, 16))
    return t


def functions():
    """FUNCTION.x, .y, .cotangent and .grad_x of pools and activations."""
    f, t = nn.functional, {}

    def record_function(name, x, call):
        record(t, name, nn.Identity(), x, call)

    line, image, volume = torch.randn(2, 3, 9), torch.randn(2, 3, 7, 8), torch.randn(1, 2, 5, 4, 6)
    for kind, pool in (("max", (f.max_pool1d, f.max_pool2d, f.max_pool3d)), ("avg", (f.avg_pool1d, f.avg_pool2d, f.avg_pool3d))):
        for x, call in zip((line, image, volume), pool):
            record_function(f"{kind}_pool{x.dim() - 2}d", x.clone(), lambda x: call(x, 3, stride=2, padding=1))
    record_function("global_avg_pool", image.clone(), lambda x: f.adaptive_avg_pool2d(x, 1).flatten(1))
    x = torch.cat([torch.randn(40) * 4, torch.tensor([-30.0, -6.5, -2.5, -1e-3, 1e-3, 2.5, 6.5, 30.0])])
    for name, call in {
        "relu": f.relu, "relu6": f.relu6, "leaky_relu": f.leaky_relu, "elu": f.elu, "selu": f.selu, "gelu": f.gelu,
        "gelu_tanh": lambda x: f.gelu(x, approximate="tanh"), "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "silu": f.silu, "mish": f.mish, "hard_sigmoid": f.hardsigmoid, "hard_swish": f.hardswish, "softplus": f.softplus,
        "log_sigmoid": f.logsigmoid, "softsign": f.softsign, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    }.items():
        record_function(name, x.clone(), call)
    rows = torch.randn(4, 7) * 5
    record_function("softmax", rows.clone(), lambda x: f.softmax(x, -1))
    record_function("log_softmax", rows.clone(), lambda x: f.log_softmax(x, 0))
    return t


def losses():
    f = nn.functional
    t = {}

    def record_loss(name, x, y, call):
        x = x.clone().requires_grad_(True)
        loss = call(x, y)
        loss.sum().backward()
        t.update({f"{name}.x": x, f"{name}.y": y, f"{name}.loss": loss, f"{name}.grad_x": x.grad})

    logits, classes = torch.randn(5, 4) * 2, torch.tensor([3, 0, -100, 1, 1])
    record_loss("cross_entropy", logits, classes, f.cross_entropy)
    record_loss("cross_entropy_smooth", logits, classes, lambda x, y: f.cross_entropy(x, y, label_smoothing=0.1))
    record_loss("cross_entropy_each", logits, classes, lambda x, y: f.cross_entropy(x, y, reduction="none"))
    x, y = torch.randn(3, 4) * 2, torch.randn(3, 4)
    record_loss("mse", x, y, f.mse_loss)
    record_loss("l1", x, y, lambda x, y: f.l1_loss(x, y, reduction="sum"))
    record_loss("huber", x, y, lambda x, y: f.huber_loss(x, y, delta=0.7))
    target = torch.rand(3, 4)
    record_loss("bce", torch.rand(3, 4), target, f.binary_cross_entropy)
    record_loss("bce_with_logits", x * 10, target, f.binary_cross_entropy_with_logits)
    probabilities = torch.softmax(torch.randn(3, 4), -1)
    probabilities[0, 1] = 0
    record_loss("kl_div", torch.log_softmax(x, -1), probabilities, lambda x, y: f.kl_div(x, y, reduction="batchmean"))
    return t


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x):
        h, mask = self.ln_1(x), torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp["c_proj"](nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    """strata::models::Gpt with a tied head."""

    def __init__(self, layers, width, heads, vocabulary, context):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe.weight[: ids.shape[1]]
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.T


def gpt():
    """record() of the GPT; then 10 losses of AdamW on one batch: gpt.targets, gpt.losses."""
    t = {}
    model = Gpt(2, 8, 2, 7, 6)
    record(t, "gpt", model, torch.randint(0, 7, (3, 5)))
    t["gpt.targets"] = torch.randint(0, 7, (3, 5))
    decayed = [p for n, p in model.named_parameters() if p.dim() > 1]
    kept = [p for n, p in model.named_parameters() if p.dim() == 1]
    adam = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": kept, "weight_decay": 0}], lr=1e-2)
    losses = []
    for _ in range(10):
        loss = nn.functional.cross_entropy(model(t["gpt.x"]).flatten(0, 1), t["gpt.targets"].flatten())
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        losses.append(loss.detach())
    t["gpt.losses"] = torch.stack(losses)
    return t


def main():
    torch.manual_seed(0)
    makers = (("layers", layers), ("losses", losses), ("gpt", gpt), ("more_layers", more_layers), ("functions", functions))
    for name, make in makers:
        tensors = {k: v.detach().contiguous().clone() for k, v in make().items()}
        save_file(tensors, os.path.join(OUT, name + ".safetensors"), {"torch": torch.__version__})


if __name__ == "__main__":
    main()
