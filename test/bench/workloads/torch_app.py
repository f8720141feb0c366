"""A network: trained, saved, scripted, exported, in PyTorch."""

import io
import warnings

import torch
from checks import run, serve
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.simplefilter("ignore")


def predict():
    with torch.inference_mode():
        return network()(torch.rand(2, 1, 8, 8)).shape


def train():
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    data = TensorDataset(torch.rand(32, 1, 8, 8), torch.randint(0, 3, (32,)))
    # Its workers hand over tensors in shared memory.
    torch.multiprocessing.set_sharing_strategy("file_system")
    for images, labels in DataLoader(data, 8, shuffle=True, num_workers=1):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.isfinite()


def save_and_load():
    file = io.BytesIO()
    torch.save(network().state_dict(), file)
    file.seek(0)
    network().load_state_dict(torch.load(file, weights_only=True))


def script():
    images = torch.rand(1, 1, 8, 8)
    model = network().eval()
    for compiled in (torch.jit.script(model), torch.jit.trace(model, images)):
        assert torch.allclose(compiled(images), model(images), atol=1e-5)


def export():
    images = (torch.rand(1, 1, 8, 8),)
    program = torch.export.export(network().eval(), images)
    assert program.module()(*images).shape == (1, 3)


def capture():
    compiled = torch.compile(lambda x: (x * x).sum(), backend="aot_eager")
    x = torch.ones(3, requires_grad=True)
    compiled(x).backward()
    assert x.grad.tolist() == [2.0] * 3


def quantize():
    model = torch.ao.quantization.quantize_dynamic(network().eval(), {nn.Linear})
    assert model(torch.rand(1, 1, 8, 8)).shape == (1, 3)


def profile():
    with torch.profiler.profile() as profiler:
        torch.fft.fft(torch.rand(64))
        torch.linalg.svd(torch.rand(8, 8))
    assert profiler.key_averages()


def distribute():
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
    )
    total = torch.ones(1)
    torch.distributed.all_reduce(total)
    torch.distributed.destroy_process_group()
    assert total.item() == 1


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    )


CHECKS = (
    predict,
    train,
    save_and_load,
    script,
    export,
    capture,
    quantize,
    profile,
    distribute,
)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
