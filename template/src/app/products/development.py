"""A first product on a developer's machine."""

from app.composition import Resources


async def seed(resources: Resources, _password: str) -> list[str]:
    """Return a command that creates a product, with the access token in TOKEN."""
    settings = resources.settings
    url = f"{settings.public_url}{settings.route_prefix}/v1/products"
    headers = """-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'"""
    product = """-d '{"name": "Tea", "price_minor": 250}'"""
    return ["Create a product, with an access token in TOKEN:", f"  curl -fsS {url} {headers} {product}"]
