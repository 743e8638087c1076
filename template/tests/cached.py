"""Read and change entries of the cache."""

from app.composition import Resources


async def entries(resources: Resources, key: str) -> dict[bytes, bytes]:
    """The entries of a key by the hash of their schema."""
    found: dict[bytes, bytes] = await resources.cache.redis.hgetall(key)  # type: ignore[misc]  # see app.kit.cache
    return found


async def put(resources: Resources, key: str, field: str, entry: bytes) -> None:
    """Store an entry as another release might have."""
    await resources.cache.redis.hset(key, field, entry)  # type: ignore[misc, arg-type]  # see app.kit.cache
