"""The import of products, in the worker."""

import asyncio
from itertools import islice

from app.composition import TaskRun
from app.kit.i18n import N_, translate
from app.kit.mail import Message
from app.kit.queue import Payload
from app.products.parsing import parse_products
from app.products.repository import ProductRepository
from app.products.schemas import ImportPayload
from app.tasks.mail import request_mail

# Products per statement. Parsing and writing them takes about 20 ms of the event loop.
BATCH = 500

_SUBJECT = N_("Your import is done")
_TEXT = N_("%(count)s products were imported.")


async def import_products(run: TaskRun, request: ImportPayload) -> Payload:
    """Import all products of the file, or none. Raises WrongLine."""
    created = await _write(run, request.csv)
    if request.notify:
        request_mail(
            run.work,
            run.resources.queue,
            to=request.notify,
            kind="products.import",
            message=_message(run.language, created),
            language=run.language,
            owner_id=run.owner_id,
        )
    return {"created": created}


async def _write(run: TaskRun, csv: str) -> int:
    """Insert the products in batches, so that a large file blocks neither memory nor the event loop."""
    products, created = parse_products(csv), 0
    default = run.resources.settings.currency
    while batch := list(islice(products, BATCH)):
        if run.owner_id is not None:
            rows = [product.values(default) for product in batch]
            await ProductRepository(run.work.session).add_all(run.owner_id, rows)
        created += len(batch)
        # Let other jobs and the renewal of the lease run between batches.
        await asyncio.sleep(0)
    return created


def _message(language: str, count: int) -> Message:
    return Message(subject=translate(_SUBJECT, language), paragraphs=[translate(_TEXT, language, count=count)])
