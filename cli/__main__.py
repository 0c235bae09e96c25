"""`python -m cli` is the `loyalty` command."""

from cli.main import main

main()
