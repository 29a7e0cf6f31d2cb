"""The generator for CuPy: one kernel for a chain of operations, one launch for many kernels.

`source` puts the function together. `kernels` are made of `expressions` in C++, and `graphs`
captures and replays them.
"""
