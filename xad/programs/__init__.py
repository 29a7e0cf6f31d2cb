"""Programs: what was recorded, as a straight line of operations; made better, and made fast.

`listing` is the program itself, `summary` and `costs` are what it takes. `optimise` has `passes`
rewrite it into one that does less. `generate` makes a Python function of it: `plain` for any
library, `numpy` with memory that is planned once, `cupy` with kernels and CUDA graphs; `groups`
says which operations those two take together. `storage` writes programs to files and reads them, by
way of `encoding` and `structures`, and `translation` moves them from one library to another.
"""
