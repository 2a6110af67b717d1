"""The orchestrator group."""
