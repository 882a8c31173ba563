"""The verbs, one module for each noun; ``pitrix_core.cli.main`` knows where each is."""
