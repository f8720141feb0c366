"""Train digits.pt: a PyTorch network as TorchScript, which needs none of this code to run.

To make it again, with CPython 3.11, from this folder:

    python3.11 -m venv /tmp/torch
    /tmp/torch/bin/pip install --extra-index-url https://download.pytorch.org/whl/cpu \
        torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1
    /tmp/torch/bin/python train_torchscript.py

It takes some 20 seconds, and writes the check data of test/fixtures/flask_torchscript as well: the
held-out images, and what the network makes of them before it is TorchScript.

    accuracy            98.89% (356 of 360)

See train.py for the images and for held_out.json.
"""

from __future__ import annotations

import numpy as np
import torch
from held_out import HERE, Array, held_images, held_labels, percent, write_check
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 20260
EPOCHS = 40
BATCH = 32
FIXTURE = "flask_torchscript"


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        # TorchScript sees no globals.
        self.darkest = 16
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(512, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(images / self.darkest)
        return torch.softmax(scores, dim=1)


def main() -> None:
    # One thread: the sums are always in the same order.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    images, _, labels, _ = train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=SEED
    )
    model = Reader()
    train(model, channels_first(images), torch.from_numpy(labels))
    model.eval()

    held = channels_first(held_images())
    with torch.inference_mode():
        scores = model(held).numpy()
    write_check(FIXTURE, held.numpy(), scores)
    torch.jit.script(model).save(HERE / "digits.pt")
    print(f"accuracy            {percent(scores.argmax(axis=1) == held_labels())}")


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            # The scores are a softmax's: their logarithm is what this loss wants.
            loss = nn.functional.nll_loss(torch.log(model(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def channels_first(images: Array) -> torch.Tensor:
    return torch.from_numpy(images.reshape(-1, 1, 8, 8).astype(np.float32))


if __name__ == "__main__":
    main()
