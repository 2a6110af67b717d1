"""The six groups and the orchestrator: one folder each, with the same role files in each."""
