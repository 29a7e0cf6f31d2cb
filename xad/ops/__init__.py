"""Floor 3: the operations, a file for each chapter of the standard, each with all of its rules."""
