"""Clouds and servers that hold many sources: what lies in an account, listed by the provider's own interface."""
