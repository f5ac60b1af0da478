#!/usr/bin/env python3
"""Makes tests/golden/nn/resnet.safetensors and mobilenet.safetensors: what PyTorch makes of strata/models' networks of images.

Run with a Python that has torch and safetensors:  python3 tools/golden/models.py
The networks are written here from their papers, with torchvision's names; narrow ones, in f64, where a slip shows in every digit.
Parameters, images x and cotangents are made by the same formula on both sides (made_up), so that the files hold results alone. For each
case: CASE.y of a call in training, CASE.y_eval with the statistics after it, and CASE.grads of sum(y * cotangent): of each parameter, in
the order of its name, and last of x, the gradient's sum and its product with made_up.
CASE.parameters counts those of the published network (width 1, 1000 classes, images of 224 x 224).
"""
import os
import sys

sys.path.pop(0)  # this folder has a safetensors.py of its own

import torch
from safetensors.torch import save_file
from torch import nn

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden", "nn")
DEPTHS = {18: ([2, 2, 2, 2], False), 34: ([3, 4, 6, 3], False), 50: ([3, 4, 6, 3], True), 101: ([3, 4, 23, 3], True)}


def made_up(shape, seed):
    """Numbers from -0.5 to 0.5 by a hash of their index, in f64: the same in C++ (strata/models/residual_models_test.cpp)."""
    count = 1
    for extent in shape:
        count *= extent
    h = (torch.arange(count, dtype=torch.int64) + 1) * 2654435761 + seed * 40503 & 0xFFFFFFFF
    h = (h ^ h >> 15) * 2246822519 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 3266489917 & 0xFFFFFFFF
    h = h ^ h >> 16
    return (h.double() / 2**32 - 0.5).reshape(shape)


def conv(in_, out, kernel, stride=1, groups=1):
    return nn.Conv2d(in_, out, kernel, stride, kernel // 2, groups=groups, bias=False)


class Block(nn.Module):
    def __init__(self, in_, width, stride, bottleneck):
        super().__init__()
        out = 4 * width if bottleneck else width
        self.conv1 = conv(in_, width, 1) if bottleneck else conv(in_, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride if bottleneck else 1)
        self.bn2 = nn.BatchNorm2d(width)
        if bottleneck:
            self.conv3, self.bn3 = conv(width, out, 1), nn.BatchNorm2d(out)
        self.bottleneck = bottleneck
        self.downsample = nn.Sequential(conv(in_, out, 1, stride), nn.BatchNorm2d(out)) if stride != 1 or in_ != out else None

    def forward(self, x):
        h = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.bottleneck:
            h = self.bn3(self.conv3(h.relu()))
        return (h + (self.downsample(x) if self.downsample else x)).relu()


class ResNet(nn.Module):
    def __init__(self, depth, width=64, channels=3, classes=1000, image=224):
        super().__init__()
        blocks, bottleneck = DEPTHS[depth]
        self.small = image <= 64
        self.conv1 = conv(channels, width, 3) if self.small else conv(channels, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        in_ = width
        for stage, count in enumerate(blocks):
            inner, layers = width << stage, []
            for i in range(count):
                layers.append(Block(in_, inner, 2 if i == 0 and stage > 0 else 1, bottleneck))
                in_ = 4 * inner if bottleneck else inner
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(in_, classes)

    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        if not self.small:
            h = nn.functional.max_pool2d(h, 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(h)))).mean((2, 3)))


def rounded(channels):
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def conv_norm(in_, out, kernel, stride=1, groups=1):
    return nn.Sequential(conv(in_, out, kernel, stride, groups), nn.BatchNorm2d(out), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, in_, out, expansion, stride):
        super().__init__()
        inner = in_ * expansion
        layers = [conv_norm(in_, inner, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(*layers, conv_norm(inner, inner, 3, stride, inner), conv(inner, out, 1), nn.BatchNorm2d(out))
        self.adds = stride == 1 and in_ == out

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, width=1.0, channels=3, classes=1000, image=224):
        super().__init__()
        small, in_ = image <= 64, rounded(32 * width)
        features = [conv_norm(channels, in_, 3, 1 if small else 2)]
        stages = [(1, 16, 1, 1), (6, 24, 2, 1 if small else 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        for expansion, out, count, stride in stages:
            for i in range(count):
                features.append(InvertedResidual(in_, rounded(out * width), expansion, stride if i == 0 else 1))
                in_ = rounded(out * width)
        last = rounded(1280 * max(1.0, width))
        self.features = nn.Sequential(*features, conv_norm(in_, last, 1))
        self.classifier = nn.Sequential(nn.Dropout(0), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def fill(model):
    """By the place of each name in their order. Norms near one, weights as large as keeps the maps of ordinary size."""
    for place, (name, p) in enumerate(sorted(model.named_parameters())):
        value = made_up(p.shape, place)
        if p.dim() == 1:
            value = value * 0.5 + (1 if name.endswith("weight") else 0)
        else:
            value = value * (12 / p[0].numel()) ** 0.5
        p.data.copy_(value)


def record(tensors, case, model, x, published):
    model = model.double()
    fill(model)
    x = x.clone().requires_grad_(True)
    y = model(x)
    cotangent = made_up(y.shape, 1001)
    (y * cotangent).sum().backward()
    inputs = [p for _, p in sorted(model.named_parameters())] + [x]
    grads = [torch.stack([p.grad.sum(), (p.grad * made_up(p.shape, 1002)).sum()]) for p in inputs]
    tensors.update({f"{case}.y": y, f"{case}.y_eval": model.eval()(x), f"{case}.grads": torch.stack(grads),
                    f"{case}.parameters": torch.tensor(sum(p.numel() for p in published.parameters()))})


def save(name, tensors):
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, os.path.join(OUT, name + ".safetensors"), {"torch": torch.__version__})


def main():
    small, large = made_up((3, 1, 28, 30), 1000), made_up((2, 3, 66, 65), 1000)
    t = {}
    record(t, "resnet18", ResNet(18, 2, 1, 5, 30), small, ResNet(18))
    record(t, "resnet34", ResNet(34, 1, 3, 4, 66), large, ResNet(34))
    record(t, "resnet50", ResNet(50, 2, 3, 4, 66), large, ResNet(50))
    record(t, "resnet101", ResNet(101, 1, 1, 3, 30), small, ResNet(101))
    save("resnet", t)
    t = {}
    record(t, "small", MobileNetV2(0.1, 1, 5, 30), small, MobileNetV2())
    record(t, "large", MobileNetV2(0.35, 3, 4, 66), large, MobileNetV2(0.5))
    save("mobilenet", t)


if __name__ == "__main__":
    main()
