"""`python -m app` is the same command line as `app`."""

from app.cli import main

if __name__ == "__main__":
    main()
