"""Sessions: access and refresh tokens, their copies in Redis, and the routes that list and end them."""
