"""`Idempotency-Key`: a creating request that is sent twice is executed once, and gets the same response twice.

The answer is stored in the transaction of the effect: both are there, or neither. Only successes are kept, so a
request that failed may be sent again. A route takes part by one dependency, in a router of `IdempotentRoute`s.
Logins and refreshes do not: their answers are secrets, which are not stored.
"""
