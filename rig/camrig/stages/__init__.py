"""Commands of camrig and pytest that run one after the other, as stages of a night or of a release."""
