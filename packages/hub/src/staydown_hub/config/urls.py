"""The URL map: the API, accounts, staff pages, and whether all is well. No route of it takes a file."""

from django.urls import URLPattern, URLResolver, include, path

from staydown_hub.api.application import api
from staydown_hub.config.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("healthz", healthz),
    path("", include("staydown_hub.staff.urls")),  # first: it closes what the accounts library offers too much
    path("accounts/", include("allauth.urls")),
]
