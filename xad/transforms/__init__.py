"""Floor 5: functions of functions. Each takes a fresh level and wraps the inputs at it."""
