"""Models of tiers 2 and 3, what they are made of, and measures of drift and fairness."""
