"""The Command API as it would be without group commit: one command, one transaction."""

from cli.serve import command_api
from command_api import gathering

if __name__ == "__main__":
    gathering.MOST_AT_ONCE = 1
    command_api()
