def median(values):
    """The middle of the values; of an even number, the mean of the two in the middle."""
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
