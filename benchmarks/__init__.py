"""xad against autograd, PyTorch, JAX, MyGrad and NumPy by hand: ``python -m benchmarks --help``.

Each workload is a module with ``cases(libraries, quick)``, which gives cases: the same computation
by several contestants. `contest` checks that they agree, then times them in turns in one process;
`report` writes the JSON, and from it the page of tables with its `chart`.
"""
