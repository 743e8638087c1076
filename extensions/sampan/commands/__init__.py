"""The commands, one module each, registered in `sampan.cli`.

A module has one public function with Typer's annotations, `command`, whose docstring is the help text. It raises `errors.UserError` for a
mistake of the user and `typer.Exit(errors.FINDINGS)` when there is something to report; rules and work live in modules beside this package.
"""
