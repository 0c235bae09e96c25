"""`python -m bench [--size N] [--repeats N] [--only NAME...]`."""

if __name__ == "__main__":  # processes that are started to work side by side import this module, and need not the rest
    from bench.main import main

    main()
