"""`Idempotency-Key`: a creating request that is sent twice is executed once, and gets the same response twice.

The response is stored in the transaction of the effect, so both are committed or neither is. Only successes are stored,
so a failed request may be sent again. A route needs one dependency, and a router with `IdempotentRoute`. Logins and
refreshes do not take part: their responses contain secrets, which are not stored.
"""
