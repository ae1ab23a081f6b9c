"""Rules on text: labels, negation, sub-captions, patient cues. Text in, values out."""
