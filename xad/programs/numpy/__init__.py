"""The generator for NumPy: results go into memory that was planned when the program was made.

`source` puts the function together out of `lines`. `rules` have the operations on elements, `whole`
those on whole arrays, `blocks` those that go over large arrays together: block by block, shared out
by `threads`. `memory` is where intermediate results lie.
"""
