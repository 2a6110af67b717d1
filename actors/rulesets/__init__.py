"""The rulesets group."""
