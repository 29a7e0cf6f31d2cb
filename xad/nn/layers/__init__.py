"""Layers: dataclasses whose arrays are leaves of a tree, called like functions."""

from __future__ import annotations

from xad.nn.layers.activation import Activation
from xad.nn.layers.dense import Dense
from xad.nn.layers.dropout import Dropout
from xad.nn.layers.mlp import mlp
from xad.nn.layers.sequential import Sequential

__all__ = ["Activation", "Dense", "Dropout", "Sequential", "mlp"]
