"""What a model's source becomes, and how a forecast says that it can not know."""

from __future__ import annotations

import pytest

from slugfit.base.http import Network
from slugfit.fetch.transfer.transfer import transfer_for
from slugfit.forecast.model_sizes import ModelSize, becomes, sizes_of_models
from slugfit.settings.model import ConvertSettings, ModelSettings, Quantize, Settings
from slugfit.slug.weigh.compress import Weight
from support.http import Reply, ScriptedServer
from support.sources import model_from

STORED = Weight(1_000_000, 900_000)


def model(**options: object) -> ModelSettings:
    return model_from("https://host/m", "models/m", **options)


def test_a_model_is_what_its_source_is() -> None:
    assert becomes(model(), STORED) == ModelSize("models/m", STORED)


@pytest.mark.parametrize(
    ("quantize", "weight", "said"),
    [
        ("none", STORED, "1.0 MB"),
        ("float16", Weight(500_000, 450_000), "500.0 KB"),
        ("dynamic", Weight(250_000, 225_000), "250.0 KB"),
        ("int8", Weight(250_000, 225_000), "250.0 KB"),
    ],
)
def test_what_a_conversion_makes_is_an_estimate(
    quantize: Quantize, weight: Weight, said: str
) -> None:
    found = becomes(model(convert=ConvertSettings("tflite", quantize)), STORED)
    assert found.weight == weight
    assert found.why == (
        f"converted to tflite ({quantize}): {said} are estimated from the source's 1.0 MB"
    )


def test_what_is_in_an_archive_is_an_estimate() -> None:
    found = becomes(model(unpack=True), STORED)
    assert found.weight == Weight(1_100_000, 1_000_000)
    assert found.why == "unpacked: 1.1 MB are estimated from the archive's 1.0 MB"


def test_a_store_tells_the_size_and_a_sample_how_well_it_compresses() -> None:
    with ScriptedServer({"/m.bin": Reply(bytes(1_000_000), etag='"1"')}) as web:
        settings = Settings(models=(model_from(web.url("/m.bin"), "models/m.bin"),))
        (found,) = sizes_of_models(settings, transfer_for(4.0, Network()))
    assert found.weight is not None
    assert (found.weight.raw, found.why) == (1_000_000, "")
    assert found.weight.compressed < 2_000
