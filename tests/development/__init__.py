"""A set to develop the labels of columns on: other words, forms and people than training and the accuracy sets have."""
