"""Passes: each a function from a program to one that gives the same and does less."""
