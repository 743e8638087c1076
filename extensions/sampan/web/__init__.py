"""`sampan web`: the questions as a page, with what the answers cost, hold and render to beside them.

State is the URL: the answers that differ from the defaults. The server stores nothing about its users. `app` has the routes, `desk` what
the template says about a set of answers, `links` the form of answers in a URL, `guard` the limits.

The modules need FastAPI and uvicorn, which come with the extra `web` of the package.
"""
