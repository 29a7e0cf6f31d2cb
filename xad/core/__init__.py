"""Floor 2: primitives, and the four kinds of array that differentiate, batch and record them.

Read in this order: wrapper (levels), primitive (dispatch), tape (reverse mode), tangent (forward
mode), batching, recording; then elementwise and rules, which turn mathematics into rules.
Nothing here knows an operation or a library by name.
"""
