"""How right the labels are: evaluation sets that no model is trained on, and a report of them. See docs/accuracy.md."""
