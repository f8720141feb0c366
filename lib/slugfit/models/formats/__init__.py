"""Identifies a model file by its content and checks that it is complete. Needs no runtime."""

from slugfit.models.formats.failures import ModelDamaged, WrongFormat
from slugfit.models.formats.inspection import FormatName, Inspection, TensorSpec
from slugfit.models.formats.recognise import inspect

__all__ = ["FormatName", "Inspection", "ModelDamaged", "TensorSpec", "WrongFormat", "inspect"]
