"""Torch building blocks: networks, graphs and losses, nothing from scikit-learn.

Modules here import torch and the standard library only; the one exception is a
lazy import of POT inside the exact transport cost. Randomness is an argument, a
``torch.Generator`` on the CPU, so that every device sees the same draws.
"""
