"""Programs: what was recorded, as a straight line of operations; made better, and made fast.

`listing` is the program itself. `passes` rewrite it into one that does less. A generator makes a
Python function of it: `plain` for any library, `numpy_source` for NumPy.
"""
