"""`python -m serve.cli` is `sextant`."""

from serve.cli.main import main

main()
