"""What happens where NumPy's own functions and operators meet xad's arrays.

``np.sin(x)`` of a tensor is ``xad.sin(x)``: every function of NumPy with a twin in xad goes to it,
with gradients. A function without one raises, unless nothing is lost: its answer is piecewise
constant (`np.allclose`), or nothing tracks the tensor. Nothing is ever detached in silence.
Read numpy_values (what may leave), then numpy_ufuncs and numpy_functions (who is called).
"""
