"""The API put together: its routes, and what becomes of every error."""

import logging
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from staydown_hub import __version__
from staydown_hub.api import (
    access,
    assessments,
    batches,
    cases,
    disputes,
    enforcement,
    errors,
    figures,
    items,
    lists,
    lookups,
    matches,
    me,
    proposals,
    reports,
    requests,
    schemes,
    self_reports,
    sightings,
)
from staydown_hub.api.errors import InvalidRowsError, RefusedError, WrongField
from staydown_hub.lists.errors import ListError, NotInForceError
from staydown_hub.organisations.errors import FourEyesError, NotTrainedError, TooFastError, UnknownProposalError
from staydown_hub.organisations.queries import UnknownKeyError
from staydown_hub.registry.errors import NearMatchAwayError, RegistryError, UnknownItemError

_log = logging.getLogger(__name__)

api = NinjaAPI(
    title="Staydown hub",
    version=__version__,
    description="Organisations act together on fingerprints. No route takes or gives media.",
    # The description is a file of the documentation; nothing here answers without a key.
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
for part in (
    me,
    reports,
    self_reports,
    batches,
    assessments,
    cases,
    lookups,
    items,
    schemes,
    lists,
    requests,
    sightings,
    figures,
    enforcement,
    matches,
    disputes,
    proposals,
):
    api.add_router("", part.router)


@api.exception_handler(AuthenticationError)
@api.exception_handler(UnknownKeyError)
def _no_key(_request: HttpRequest, _error: Exception) -> HttpResponse:
    message = "Send a key of your organisation that is neither revoked nor expired, as `Authorization: Bearer sdk_...`."
    response = errors.answer(HTTPStatus.UNAUTHORIZED, code="unauthorised", message=message)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(TooFastError)
def _too_fast(_request: HttpRequest, error: TooFastError) -> HttpResponse:
    response = errors.answer(HTTPStatus.TOO_MANY_REQUESTS, code="too_fast", message=str(error))
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response


@api.exception_handler(NotTrainedError)
def _not_trained(request: HttpRequest, error: NotTrainedError) -> HttpResponse:
    refused = access.forbidden(access.caller(request), route=request.path, message=str(error))
    return errors.answer(refused.status, code=refused.code, message=refused.message)


@api.exception_handler(RefusedError)
def _refused(_request: HttpRequest, error: RefusedError) -> HttpResponse:
    return errors.answer(error.status, code=error.code, message=error.message)


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    return errors.invalid(errors.wrong_fields(error.errors))


@api.exception_handler(InvalidRowsError)
def _invalid_rows(_request: HttpRequest, error: InvalidRowsError) -> HttpResponse:
    return errors.invalid_rows(error)


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, _error: HttpError) -> HttpResponse:
    """Answer the framework's one error of its own: a body that is not JSON."""
    return errors.invalid([WrongField("body", "This is not JSON in UTF-8.")])


@api.exception_handler(RequestDataTooBig)
def _too_large(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    message = "This body is too large: send less at a time."
    return errors.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="too_large", message=message)


@api.exception_handler(NearMatchAwayError)
def _away(_request: HttpRequest, error: NearMatchAwayError) -> HttpResponse:
    response = errors.answer(HTTPStatus.SERVICE_UNAVAILABLE, code="unavailable", message=str(error))
    response.headers["Retry-After"] = "5"
    return response


@api.exception_handler(UnknownItemError)
def _unknown_item(_request: HttpRequest, error: UnknownItemError) -> HttpResponse:
    return errors.answer(HTTPStatus.NOT_FOUND, code="unknown_item", message=str(error))


@api.exception_handler(RegistryError)
@api.exception_handler(NotInForceError)
@api.exception_handler(FourEyesError)
def _conflict(_request: HttpRequest, error: Exception) -> HttpResponse:
    return errors.answer(HTTPStatus.CONFLICT, code="conflict", message=str(error))


@api.exception_handler(ListError)
@api.exception_handler(UnknownProposalError)
def _not_there(_request: HttpRequest, error: Exception) -> HttpResponse:
    return errors.answer(HTTPStatus.NOT_FOUND, code="not_found", message=str(error))


@api.exception_handler(Exception)
def _fault(_request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer without data; the log keeps where it happened (see ``config.logs``), never what was said."""
    _log.error("a request failed", exc_info=error)
    message = "The hub failed at this request; nothing of it was kept. Tell its operator when this happened."
    return errors.answer(HTTPStatus.INTERNAL_SERVER_ERROR, code="fault", message=message)
