"""The import of products, in the worker."""

from pydantic import BaseModel

from app.kit.i18n import N_, translate
from app.kit.mail import Letter
from app.kit.queue import Payload, TaskRun
from app.products.parsing import parse_products
from app.products.repository import ProductRepository
from app.tasks.mail import request_mail

_SUBJECT = N_("Your import is done")
_TEXT = N_("%(count)s products were imported.")


class ImportPayload(BaseModel):
    """The file, its header checked, and who hears of the outcome."""

    csv: str
    notify: str | None


async def import_products(run: TaskRun, payload: Payload) -> Payload:
    """Write every product of the file, or none. Raises WrongLine."""
    request = ImportPayload.model_validate(payload)
    products = list(parse_products(request.csv))
    if run.owner_id is not None:
        await ProductRepository(run.work.session).add_all(run.owner_id, [product.model_dump() for product in products])
    if request.notify:
        request_mail(
            run.work,
            run.resources.queue,
            to=request.notify,
            kind="products.import",
            letter=_letter(run.language, len(products)),
            language=run.language,
            owner_id=run.owner_id,
        )
    return {"created": len(products)}


def _letter(language: str, count: int) -> Letter:
    return Letter(subject=translate(_SUBJECT, language), paragraphs=[translate(_TEXT, language, count=count)])
