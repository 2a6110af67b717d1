"""Models as Serve deployments of their own, for installations that share them among many replicas or have a GPU.

Off by default (`SEXTANT_MODEL_ENDPOINTS`): each deployment costs a process. Without them a process that needs a model
loads it at the first use.
"""
