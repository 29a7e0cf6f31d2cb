"""Calls of array-API code that nobody here wrote, with tracked tensors, and what comes of them."""
